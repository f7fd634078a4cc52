import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * StartJob to SUCCEED of a build that does nothing, against the same `git clone` and shell commands run by hand.
 * The claim in docs/performance.md: at most 400 ms more.
 */
import {
  CreateAppCommand,
  CreateBranchCommand,
  GetJobCommand,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { createGitRepository } from '../test/support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../test/support/preamp.ts'

const rounds = 11
const command = 'true'
const branchName = 'main'

const repository = await createGitRepository({
  'amplify.yml': `version: 1\nfrontend:\n  phases:\n    build:\n      commands: ['${command}']\n  artifacts:\n    baseDirectory: public\n    files: ['**/*']\n`,
  'public/index.html': '<h1>nothing was built</h1>\n',
})
const preamp = await startPreamp()
try {
  const appId = await createApp(preamp)
  const byHand: number[] = []
  const byPreamp: number[] = []
  for (let round = 0; round < rounds; round++) {
    byHand.push(runByHand())
    byPreamp.push(await runJob(preamp, appId))
  }
  const [hand, job] = [median(byHand), median(byPreamp)]
  console.log(`git clone and commands by hand: ${hand.toFixed(0)} ms (median of ${rounds})`)
  console.log(`StartJob to SUCCEED:            ${job.toFixed(0)} ms (median of ${rounds})`)
  console.log(`ratio ${(job / hand).toFixed(2)}, ${(job - hand).toFixed(0)} ms more (claim: at most 400 ms)`)
} finally {
  await preamp.stop()
  rmSync(repository.folder, { recursive: true, force: true })
}

async function createApp({ client }: TestPreamp): Promise<string> {
  const { app } = await client.send(new CreateAppCommand({ name: 'empty-build', repository: repository.url }))
  await client.send(new CreateBranchCommand({ appId: app!.appId, branchName }))
  return app!.appId!
}

/** @returns milliseconds */
function runByHand(): number {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-bench-'))
  const start = performance.now()
  run(['git', 'clone', '--quiet', '--branch', branchName, '--', repository.url, join(folder, 'clone')])
  run(['bash', '-c', `cd ${folder}/clone && ${command}`])
  const milliseconds = performance.now() - start
  rmSync(folder, { recursive: true })
  return milliseconds
}

/** @returns milliseconds */
async function runJob({ client }: TestPreamp, appId: string): Promise<number> {
  const start = performance.now()
  const { jobSummary } = await client.send(new StartJobCommand({ appId, branchName, jobType: 'RELEASE' }))
  for (;;) {
    const { job } = await client.send(new GetJobCommand({ appId, branchName, jobId: jobSummary!.jobId! }))
    const status = job!.summary!.status
    if (status === 'SUCCEED') return performance.now() - start
    if (status === 'FAILED' || status === 'CANCELLED')
      throw new Error(`The job ended ${status}: ${JSON.stringify(job)}`)
    await Bun.sleep(10)
  }
}

function run(args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(args)
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${stderr.toString()}`)
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
