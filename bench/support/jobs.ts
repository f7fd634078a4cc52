import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  GetJobCommand,
} from '@aws-sdk/client-amplify'

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
): Promise<void> {
  for (;;) {
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId }))
    const status = job!.summary!.status
    if (status === 'SUCCEED') return
    if (status === 'FAILED' || status === 'CANCELLED')
      throw new Error(`The job ended ${status}: ${JSON.stringify(job)}`)
    await Bun.sleep(10)
  }
}
