/**
 * 20 jobs of a known length, five branches of each of four apps, queued at once on a server of two jobs at a time, from the
 * first StartJob to the last SUCCEED. The claim in docs/performance.md: at most 1.1 of the summed work divided by two.
 */
import { CreateBranchCommand, GetJobCommand, StartJobCommand } from '@aws-sdk/client-amplify'

import { createGitRepository } from '../test/support/git-repository.ts'
import { startPreamp } from '../test/support/preamp.ts'
import { type BranchAddress, createBranch, untilSucceeded } from './support/jobs.ts'
import { option, timed } from './support/measure.ts'

const apps = 4
const branchNames = ['one', 'two', 'three', 'four']
const concurrency = 2
const secondsOfJob = option('--seconds', 10)
const pollMilliseconds = 100

const repository = await createGitRepository({
  'amplify.yml': `version: 1
frontend:
  phases:
    build:
      commands: [sleep ${secondsOfJob}, mkdir out, echo hello > out/index.html]
  artifacts:
    baseDirectory: out
    files: ['**/*']
`,
})
for (const name of branchNames) repository.git('branch', name)
const preamp = await startPreamp({ environment: { PREAMP_CONCURRENT_JOBS: String(concurrency) } })
const { client } = preamp
try {
  const branches: BranchAddress[] = []
  for (let app = 0; app < apps; app++) branches.push(...(await createBranches()))
  const milliseconds = await timed(async () => {
    for (const branch of branches) await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
    // One after the other, so that who waits takes no time from what is measured.
    for (const branch of branches) await untilSucceeded(client, branch, '1', pollMilliseconds)
  })
  const least = (branches.length * secondsOfJob * 1000) / concurrency
  console.log(
    `${branches.length} jobs of ${secondsOfJob} s, ${concurrency} at a time: ${(milliseconds / 1000).toFixed(1)} s`,
  )
  console.log(`begun by app: ${await orderOfApps(branches)}`)
  console.log(`ratio ${(milliseconds / least).toFixed(3)} of ${least / 1000} s (claim: at most 1.1)`)
} finally {
  await preamp.stop()
  repository.remove()
}

/** An app with `main` and others, all of the one repository. */
async function createBranches(): Promise<BranchAddress[]> {
  const first = await createBranch(client, repository.url)
  const others = branchNames.map((branchName) => ({ appId: first.appId, branchName }))
  for (const branch of others) await client.send(new CreateBranchCommand(branch))
  return [first, ...others]
}

/** Numbers of the apps in the order in which their jobs were begun. */
async function orderOfApps(branches: BranchAddress[]): Promise<string> {
  const begun = await Promise.all(
    branches.map(async (branch, at) => {
      const { job } = await client.send(new GetJobCommand({ ...branch, jobId: '1' }))
      return {
        app: Math.floor(at / (branches.length / apps)) + 1,
        startedAt: job!.summary!.startTime!.getTime(),
      }
    }),
  )
  return begun
    .toSorted((a, b) => a.startedAt - b.startedAt)
    .map(({ app }) => app)
    .join(' ')
}
