import { expect } from 'bun:test'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import {
  CreateAppCommand,
  CreateBranchCommand,
  GetJobCommand,
  type JobSummary,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { jobMark } from '../../src/build/executors/job-mark.ts'
import { dataDirectoryAt } from '../../src/data-directory.ts'
import { hasCode } from '../../src/model/error-code.ts'
import { containerSettings, openTestEngine, type TestEngine } from './container-engine.ts'
import { createGitRepository, type TestRepository } from './git-repository.ts'
import { startPreamp, type TestPreamp } from './preamp.ts'
import { waitFor } from './wait-for.ts'

/** Phases of a job, and what shows in the job's folder that one has begun. */
const phases: Record<string, { log: string; text: string }> = {
  'before its checkout': { log: 'BUILD.log', text: '# Build environment configured' },
  'in its checkout': { log: 'BUILD.log', text: '# Cloning repository' },
  'while its cache is restored': { log: 'BUILD.log', text: '# Retrieving cache' },
  'in its backend commands': { log: 'BUILD.log', text: 'the backend is built' },
  'in its frontend commands': { log: 'BUILD.log', text: 'the frontend is built' },
  'in its tests': { log: 'TEST.log', text: 'the site is tested' },
  'while its cache is saved': { log: 'BUILD.log', text: '# Starting caching' },
  'while its output is collected': { log: 'BUILD.log', text: 'Uploading build artifact' },
  'in its deployment': { log: 'DEPLOY.log', text: 'Beginning deployment' },
  'in its verification': { log: 'VERIFY.log', text: '' },
}
export const phaseNames = Object.keys(phases)

/** How long the processes that a build leaves behind would sleep: no other process of this machine does. */
const sleepSeconds = 2_000_000 + process.pid

const buildSpec = `version: 1
backend:
  phases:
    build:
      commands: ['setsid sleep ${sleepSeconds} & sleep ${sleepSeconds} &', 'echo the backend is built', sleep 0.05]
frontend:
  phases:
    preBuild:
      commands: ['mkdir -p node_modules/{1..300}', 'for i in {1..300}; do echo $i > node_modules/$i/index.js; done']
    build:
      commands: [mkdir out, 'for i in index {1..100}; do echo "page $i of $RANDOM" > out/$i.html; done', 'echo the frontend is built', sleep 0.05]
  artifacts: { baseDirectory: out }
  cache: { paths: [node_modules/**/*] }
test:
  phases:
    test:
      commands: ['mkdir results && echo {} > results/mochawesome.json && echo the site is tested', sleep 0.05]
  artifacts: { baseDirectory: results, configFilePath: '**/mochawesome.json' }
`

/**
 * Kills the server with SIGKILL in one phase of a job, starts it again on the same data, and checks that the job ends, with a
 * reason where it failed, and leaves nothing behind; `rounds` times for each phase.
 */
export async function killInEachPhase(
  executor: 'bubblewrap' | 'process' | 'docker',
  rounds: number,
): Promise<void> {
  const repository = await createGitRepository({ 'amplify.yml': buildSpec })
  const engine = executor === 'docker' ? ((await openTestEngine()) as TestEngine) : undefined
  const containers = engine ? containerSettings(engine) : {}
  const environment = { PREAMP_EXECUTOR: executor, PREAMP_LOG_LEVEL: 'warn', ...containers }
  let preamp = await startPreamp({ environment })
  try {
    const appId = await createApp(preamp, repository)
    expect((await runToEnd(preamp, appId)).status, preamp.output()).toBe('SUCCEED')
    for (let round = 0; round < rounds; round++) {
      for (const phase of phaseNames) {
        const { jobId, jobKey } = await startAndReach(preamp, appId, phase)
        await Bun.sleep(randomInt(0, 20))
        await preamp.kill()
        const { dataDir } = preamp
        preamp = await startPreamp({ dataDir, environment })
        const seen = `${executor}, round ${round}, killed ${phase}`
        const summary = await untilEnded(preamp, appId, jobId)
        expect(['SUCCEED', 'FAILED'], seen).toContain(summary.status!)
        if (summary.status === 'FAILED') {
          const { job } = await preamp.client.send(new GetJobCommand({ appId, branchName, jobId }))
          const reason = job!.steps!.find(({ status }) => status === 'FAILED')?.statusReason
          expect(reason, `${seen}: ${JSON.stringify(job)}`).toMatch(/ended before it was done|was tried/)
        }
        await waitFor(
          () => `nothing to be left (${seen}): ${leftovers(dataDir, jobKey).join(', ')}\n${preamp.output()}`,
          20,
          () => leftovers(dataDir, jobKey).length === 0,
        )
        expect(engine ? containersOf(engine) : '', seen).toBe('')
      }
      expect((await runToEnd(preamp, appId)).status, `round ${round}\n${preamp.output()}`).toBe('SUCCEED')
    }
  } finally {
    await preamp.stop()
    repository.remove()
  }
}

const branchName = 'main'

async function createApp(preamp: TestPreamp, { url }: TestRepository): Promise<string> {
  const { app } = await preamp.client.send(new CreateAppCommand({ name: 'killed', repository: url }))
  await preamp.client.send(new CreateBranchCommand({ appId: app!.appId, branchName }))
  return app!.appId!
}

async function start(preamp: TestPreamp, appId: string): Promise<string> {
  const { jobSummary } = await preamp.client.send(
    new StartJobCommand({ appId, branchName, jobType: 'RELEASE' }),
  )
  return jobSummary!.jobId!
}

async function runToEnd(preamp: TestPreamp, appId: string): Promise<JobSummary> {
  return untilEnded(preamp, appId, await start(preamp, appId))
}

function untilEnded(preamp: TestPreamp, appId: string, jobId: string): Promise<JobSummary> {
  return waitFor(
    () => `job ${jobId} to end\n${preamp.output()}`,
    60,
    async () => {
      const { job } = await preamp.client.send(new GetJobCommand({ appId, branchName, jobId }))
      return job!.summary!.endTime && job!.summary
    },
  )
}

/** Starts a job and looks at its folder without a pause, as some phases take a few milliseconds. */
async function startAndReach(
  preamp: TestPreamp,
  appId: string,
  phase: string,
): Promise<{ jobId: string; jobKey: string }> {
  const { log, text } = phases[phase]!
  const { work } = dataDirectoryAt(preamp.dataDir)
  const jobId = await start(preamp, appId)
  const giveUpAt = Date.now() + 30_000
  while (Date.now() < giveUpAt) {
    for (const jobKey of readdirSync(work)) {
      if (readIfThere(join(work, jobKey, log))?.includes(text)) return { jobId, jobKey }
    }
    await Bun.sleep(0)
  }
  throw new Error(`Job ${jobId} was not seen ${phase}:\n${preamp.output()}`)
}

/** Whatever the machine still has of a job. */
function leftovers(dataDir: string, jobKey: string): string[] {
  const mark = jobMark(dataDir, jobKey)
  const { work, caches } = dataDirectoryAt(dataDir)
  const processes = readdirSync('/proc').filter((pid) => {
    if (!/^[0-9]+$/.test(pid)) return false
    const isMarked = readIfThere(`/proc/${pid}/environ`)?.includes(mark)
    return isMarked || readIfThere(`/proc/${pid}/cmdline`) === `sleep\0${sleepSeconds}\0`
  })
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(dataDir))
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...mounts.map((line) => `mount ${line}`),
    ...groupsNamed(mark).map((path) => `cgroup ${path}`),
    ...readdirSync(work).map((name) => `folder ${name}`),
    ...readdirSync(join(caches, 'builds'))
      .filter((name) => name.includes(jobKey))
      .map((name) => `cache ${name}`),
  ]
}

function containersOf({ engine, environment }: TestEngine): string {
  const listed = Bun.spawnSync([engine.command, 'ps', '--all', '--quiet'], { env: environment })
  return listed.stdout.toString()
}

function groupsNamed(name: string): string[] {
  return [...new Bun.Glob(`{,*/,*/*/}preamp/${name}`).scanSync({ cwd: '/sys/fs/cgroup', onlyFiles: false })]
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
    return undefined
  }
}
