import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  GetJobCommand,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { createGitRepository, type TestRepository } from '../../test/support/git-repository.ts'
import { waitFor } from '../../test/support/wait-for.ts'

export interface BranchAddress {
  appId: string
  branchName: string
}

export async function createBranch(client: AmplifyClient, repository?: string): Promise<BranchAddress> {
  const { app } = await client.send(
    new CreateAppCommand({ name: 'bench', ...(repository && { repository }) }),
  )
  const address = { appId: app!.appId!, branchName: 'main' }
  await client.send(new CreateBranchCommand(address))
  return address
}

/** Asks for the job as a client would until it has succeeded. @throws when it ends otherwise */
export async function untilSucceeded(
  client: AmplifyClient,
  branch: BranchAddress,
  jobId: string,
  pollMilliseconds = 10,
): Promise<void> {
  for (;;) {
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId }))
    const status = job!.summary!.status
    if (status === 'SUCCEED') return
    if (status === 'FAILED' || status === 'CANCELLED')
      throw new Error(`The job ended ${status}: ${JSON.stringify(job)}`)
    await Bun.sleep(pollMilliseconds)
  }
}

/** A repository whose build does not end by itself. */
export function createEndlessRepository(): Promise<TestRepository> {
  return createGitRepository({
    'amplify.yml':
      'version: 1\nfrontend:\n  phases:\n    build:\n      commands: [sleep 86400]\n  artifacts:\n    baseDirectory: .\n    files: ["**/*"]\n',
  })
}

/** Keeps a server of one job at a time at work on a build that does not end, so that no other job runs beside what is measured. */
export async function occupyWorker(client: AmplifyClient, endless: TestRepository): Promise<void> {
  const branch = await createBranch(client, endless.url)
  const { jobSummary } = await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
  await waitFor('the build to run', 60, async () => {
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId: jobSummary!.jobId! }))
    return job!.summary!.status === 'RUNNING'
  })
}
