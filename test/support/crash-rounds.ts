import { expect } from 'bun:test'
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  DeleteJobCommand,
  GetJobCommand,
  ListJobsCommand,
  NotFoundException,
  StartDeploymentCommand,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { hasCode } from '../../src/model/error-code.ts'
import { createGitRepository } from './git-repository.ts'
import { startPreamp, type TestPreamp } from './preamp.ts'
import { waitFor } from './wait-for.ts'

/** What the server has acknowledged, and so must still be true after any crash. */
interface Acknowledged {
  manualApp: string
  gitApp: string
  /** Job numbers by app that were started and not deleted, and those that were deleted. */
  started: Set<string>
  deleted: Set<string>
  /** Newest version of the manual site whose job was seen to SUCCEED. */
  version: number
  nextVersion: number
}

const branchName = 'main'
const finished = ['SUCCEED', 'FAILED', 'CANCELLED']

/**
 * Kills the control process, an edge, or both at a random moment of builds, publishes and deletes, starts the server again
 * on the same data, and checks that every acknowledged call holds, no job is stuck, the site is whole and `preamp doctor`
 * finds nothing; `rounds` times.
 */
export async function crashRounds(rounds: number): Promise<void> {
  const repository = await createGitRepository({
    'amplify.yml':
      'version: 1\nfrontend:\n  phases:\n    build:\n      commands: [mkdir -p out, date > out/index.html]\n  artifacts:\n    baseDirectory: out\n    files: ["**/*"]\n',
  })
  let preamp = await startPreamp()
  const known = await createApps(preamp, repository.url)
  try {
    for (let round = 0; round < rounds; round++) {
      const abort = new AbortController()
      const work = Promise.allSettled([
        deployByHand(preamp, known, abort.signal),
        buildFromGit(preamp, known, abort.signal),
      ])
      await Bun.sleep(randomInt(20, 1500))
      const victim = (['control', 'edge', 'both'] as const)[round % 3]!
      if (victim !== 'control') for (const pid of preamp.edgePids()) killIfAlive(pid)
      if (victim !== 'edge') await preamp.kill()
      abort.abort()
      await work
      if (victim !== 'edge') preamp = await startAgain(preamp)
      await checkAll(preamp, known, `round ${round}, ${victim} killed`)
    }
  } finally {
    await preamp.stop()
    rmSync(repository.folder, { recursive: true, force: true })
  }
}

function startAgain(former: TestPreamp): Promise<TestPreamp> {
  return startPreamp({
    dataDir: former.dataDir,
    apiPort: port(former.apiUrl),
    sitesPort: port(former.sitesUrl),
  })
}

const port = (url: string) => Number(new URL(url).port)

async function createApps(preamp: TestPreamp, repository: string): Promise<Acknowledged> {
  const ids: string[] = []
  for (const input of [{ name: 'manual' }, { name: 'git', repository }]) {
    const { app } = await preamp.client.send(new CreateAppCommand(input))
    await preamp.client.send(new CreateBranchCommand({ appId: app!.appId, branchName }))
    ids.push(app!.appId!)
  }
  return {
    manualApp: ids[0]!,
    gitApp: ids[1]!,
    started: new Set(),
    deleted: new Set(),
    version: 0,
    nextVersion: 1,
  }
}

/** Deploys one version after the other by two files that both carry its number, and deletes the job of the one before. */
async function deployByHand(preamp: TestPreamp, known: Acknowledged, signal: AbortSignal): Promise<void> {
  const appId = known.manualApp
  let former: string | undefined
  while (!signal.aborted) {
    const version = known.nextVersion++
    const files = { 'index.html': `page ${version}`, 'asset.txt': `asset ${version}` }
    const fileMap = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, md5(text)]))
    const { jobId, fileUploadUrls } = await preamp.client.send(
      new CreateDeploymentCommand({ appId, branchName, fileMap }),
    )
    known.started.add(`${appId} ${jobId}`)
    for (const [name, text] of Object.entries(files)) {
      const response = await fetch(fileUploadUrls![name]!, { method: 'PUT', body: text })
      if (!response.ok) throw new Error(`The upload was answered ${response.status}`)
    }
    await preamp.client.send(new StartDeploymentCommand({ appId, branchName, jobId }))
    if ((await waitForEnd(preamp, appId, jobId!, signal)) === 'SUCCEED') known.version = version
    if (former) await deleteJob(preamp, known, appId, former)
    former = jobId
  }
}

async function buildFromGit(preamp: TestPreamp, known: Acknowledged, signal: AbortSignal): Promise<void> {
  const appId = known.gitApp
  while (!signal.aborted) {
    const { jobSummary } = await preamp.client.send(
      new StartJobCommand({ appId, branchName, jobType: 'RELEASE' }),
    )
    known.started.add(`${appId} ${jobSummary!.jobId}`)
    await waitForEnd(preamp, appId, jobSummary!.jobId!, signal)
    await deleteJob(preamp, known, appId, jobSummary!.jobId!)
  }
}

async function deleteJob(
  preamp: TestPreamp,
  known: Acknowledged,
  appId: string,
  jobId: string,
): Promise<void> {
  const key = `${appId} ${jobId}`
  // A delete without an answer may or may not have happened: nothing was acknowledged about the job any more.
  known.started.delete(key)
  await preamp.client.send(new DeleteJobCommand({ appId, branchName, jobId }))
  known.deleted.add(key)
}

async function waitForEnd(
  preamp: TestPreamp,
  appId: string,
  jobId: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  return await waitFor(`the end of job ${jobId}`, 60, async () => {
    signal.throwIfAborted()
    const { job } = await preamp.client.send(new GetJobCommand({ appId, branchName, jobId }))
    const status = job!.summary!.status!
    return finished.includes(status) && status
  })
}

async function checkAll(preamp: TestPreamp, known: Acknowledged, round: string): Promise<void> {
  for (const appId of [known.manualApp, known.gitApp]) {
    await waitFor(
      () => `every started job to end (${round})\n${preamp.output()}`,
      60,
      async () => {
        const { jobSummaries } = await preamp.client.send(new ListJobsCommand({ appId, branchName }))
        const unfinished = jobSummaries!.filter(
          (job) => job.status !== 'CREATED' && !finished.includes(job.status!),
        )
        return unfinished.length === 0
      },
    )
  }
  for (const key of known.started) {
    const [appId, jobId] = key.split(' ')
    const { job } = await preamp.client.send(new GetJobCommand({ appId: appId!, branchName, jobId: jobId! }))
    expect(job!.summary!.jobId, `${round}: job ${key}`).toBe(jobId)
  }
  for (const key of known.deleted) {
    const [appId, jobId] = key.split(' ')
    const answer: unknown = await preamp.client
      .send(new GetJobCommand({ appId: appId!, branchName, jobId: jobId! }))
      .catch((error: unknown) => error)
    expect(answer, `${round}: deleted job ${key}`).toBeInstanceOf(NotFoundException)
  }
  await checkSite(preamp, known, round)
  await abandonUpload(preamp, known)
  checkWithDoctor(preamp, round)
}

/** The site shows the last version seen to succeed or a newer one that was on its way, whole. */
async function checkSite(preamp: TestPreamp, known: Acknowledged, round: string): Promise<void> {
  if (known.version === 0) return
  const read = async (path: string) => {
    const host = `${branchName}.${known.manualApp}.${new URL(preamp.sitesUrl).host}`
    const response = await waitFor(`the site to answer (${round})`, 15, () =>
      fetch(`${preamp.sitesUrl}${path}`, { headers: { host } }).catch(() => undefined),
    )
    expect(response.status, `${round}: ${path}`).toBe(200)
    return Number((await response.text()).split(' ')[1])
  }
  const page = await read('/index.html')
  expect(await read('/asset.txt'), round).toBe(page)
  expect(page, round).toBeGreaterThanOrEqual(known.version)
}

/** An upload that the crash cut short keeps its place on the branch; deleting it is what a user would do. */
async function abandonUpload(preamp: TestPreamp, known: Acknowledged): Promise<void> {
  const { jobSummaries } = await preamp.client.send(
    new ListJobsCommand({ appId: known.manualApp, branchName, maxResults: 1 }),
  )
  const newest = jobSummaries![0]
  if (newest?.status === 'CREATED') await deleteJob(preamp, known, known.manualApp, newest.jobId!)
}

function checkWithDoctor(preamp: TestPreamp, round: string): void {
  const mainScript = join(import.meta.dir, '../../src/main.ts')
  const doctor = Bun.spawnSync([process.execPath, mainScript, 'doctor', '--data-dir', preamp.dataDir])
  expect(doctor.exitCode, `${round}: ${doctor.stdout.toString()}${doctor.stderr.toString()}`).toBe(0)
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

function md5(text: string): string {
  return new Bun.CryptoHasher('md5').update(text).digest('hex')
}
