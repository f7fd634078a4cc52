import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { StartJobCommand } from '@aws-sdk/client-amplify'

/**
 * StartJob to SUCCEED of a build that does nothing, against the same `git clone` and shell commands run by hand.
 * The claim in docs/performance.md: at most 400 ms more.
 */
import { createGitRepository } from '../test/support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../test/support/preamp.ts'
import { type BranchAddress, createBranch, untilSucceeded } from './support/jobs.ts'
import { median, runProgram, timed } from './support/measure.ts'

const rounds = 11
const shellCommand = 'true'

const repository = await createGitRepository({
  'amplify.yml': `version: 1\nfrontend:\n  phases:\n    build:\n      commands: ['${shellCommand}']\n  artifacts:\n    baseDirectory: public\n    files: ['**/*']\n`,
  'public/index.html': '<h1>nothing was built</h1>\n',
})
const preamp = await startPreamp()
try {
  const branch = await createBranch(preamp.client, repository.url)
  const byHand: number[] = []
  const byPreamp: number[] = []
  for (let round = 0; round < rounds; round++) {
    byHand.push(await runByHand())
    byPreamp.push(await timed(() => runJob(preamp, branch)))
  }
  const [hand, job] = [median(byHand), median(byPreamp)]
  console.log(`git clone and commands by hand: ${hand.toFixed(0)} ms (median of ${rounds})`)
  console.log(`StartJob to SUCCEED:            ${job.toFixed(0)} ms (median of ${rounds})`)
  console.log(`ratio ${(job / hand).toFixed(2)}, ${(job - hand).toFixed(0)} ms more (claim: at most 400 ms)`)
} finally {
  await preamp.stop()
  rmSync(repository.folder, { recursive: true, force: true })
}

/** @returns milliseconds */
async function runByHand(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-bench-'))
  const clone = join(folder, 'clone')
  const milliseconds = await timed(() => {
    runProgram(['git', 'clone', '--quiet', '--branch', 'main', '--', repository.url, clone])
    runProgram(['bash', '-c', shellCommand], { cwd: clone })
  })
  rmSync(folder, { recursive: true })
  return milliseconds
}

async function runJob({ client }: TestPreamp, branch: BranchAddress): Promise<void> {
  const { jobSummary } = await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
  await untilSucceeded(client, branch, jobSummary!.jobId!)
}
