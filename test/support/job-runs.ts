import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import pino from 'pino'

import type { Blobs } from '../../src/blobs/blobs.ts'
import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { liveLogPath } from '../../src/build/build-log.ts'
import { type CachesOptions, openCaches } from '../../src/build/caches/caches.ts'
import type { Executor } from '../../src/build/executor.ts'
import { chooseExecutor } from '../../src/build/executors/choose.ts'
import { createRunner, type RunnerOptions } from '../../src/build/runner.ts'
import type { Toolchains } from '../../src/build/toolchain/toolchains.ts'
import { createWorker, type Worker } from '../../src/build/worker.ts'
import { newId } from '../../src/model/ids.ts'
import { finishedStatuses, type JobStatus, type StepName } from '../../src/model/jobs.ts'
import type { Manifest } from '../../src/model/manifest.ts'
import type { AppSecrets, AppSettings, BranchSettings } from '../../src/model/settings.ts'
import { insertApp } from '../../src/store/apps.ts'
import { findBranchById, insertBranch, takeJobNumber } from '../../src/store/branches.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { findDeployment } from '../../src/store/deployments.ts'
import { changeJob, findJobByKey, insertJob } from '../../src/store/jobs.ts'
import type { JobRow, StepRow } from '../../src/store/schema.ts'
import { SecretBox } from '../../src/store/secret-box.ts'
import { findStep, listSteps } from '../../src/store/steps.ts'
import { type TestEngine, testImage } from './container-engine.ts'
import { anyRepository } from './git-repository.ts'
import { appRow, branchRow, jobRow } from './rows.ts'
import { openTestToolchains } from './toolchains.ts'
import { waitFor } from './wait-for.ts'

/** A database, blobs and a worker with real builds, but no API and no edge: jobs are put into the database as rows. */
export interface JobRuns {
  folder: string
  workRoot: string
  database: Database
  blobs: Blobs
  executor: Executor
  worker: Worker
  /** Makes an app with one branch, `main`, and gives the branch's id. */
  addApp(
    settings: Partial<AppSettings>,
    options?: { secrets?: AppSecrets; branch?: Partial<BranchSettings> },
  ): Promise<string>
  /** Inserts a job and wakes the worker. */
  start(branchId: string, job?: Partial<JobRow>): Promise<string>
  /** What StopJob does to a job at work. */
  stop(jobKey: string): Promise<void>
  job(jobKey: string): Promise<JobRow | undefined>
  waitForStatus(jobKey: string, ...statuses: JobStatus[]): Promise<JobRow>
  finish(jobKey: string): Promise<JobRow>
  steps(jobKey: string): Promise<StepRow[]>
  /** The kept log of a step that has ended, or else the one that is being written. */
  log(jobKey: string, step: StepName): Promise<string>
  /** The files that visitors of the branch see; undefined before the first deployment. */
  liveFiles(branchId: string): Promise<Record<string, string> | undefined>
  close(): Promise<void>
}

export interface JobRunsOptions {
  executor: 'bubblewrap' | 'docker' | 'process'
  /** With the executor `docker`. */
  engine?: TestEngine
  /** Of a run before, whose process is gone. */
  folder?: string
  runner?: Partial<RunnerOptions>
  caches?: Partial<CachesOptions>
  /** Those with the Node of this machine as the default unless given. */
  toolchains?: Toolchains
  concurrency?: number
  shortage?(): Promise<string | undefined>
  /** The worker is left to be started by the test. */
  idle?: boolean
}

const jobSecondsMax = 60

/** How long the processes of the site `hangs` would sleep: by the number one finds those of this test run alone. */
const hangSeconds = 1_000_000 + process.pid

/** Pids of the processes of the site `hangs` that are alive. */
export function hangingProcesses(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${hangSeconds}\0`
    } catch {
      // Not a process, or one that has ended meanwhile.
      return false
    }
  })
}

export async function openJobRuns(options: JobRunsOptions): Promise<JobRuns> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'preamp-jobs-'))
  const workRoot = join(folder, 'work')
  mkdirSync(workRoot, { recursive: true })
  const database = await openDatabase(`sqlite:${join(folder, 'preamp.db')}`)
  const blobs = await openDiskBlobs(join(folder, 'blobs'))
  const secrets = new SecretBox(Buffer.alloc(32, 1))
  const log = pino({ level: 'silent' })
  const now = Date.now
  const { executor } = await chooseExecutor({
    executor: options.executor,
    loopback: true,
    buildUser: 64_700,
    dataDirectory: folder,
    secretPaths: [],
    environment: { ...process.env, ...options.engine?.environment },
    buildNetwork: undefined,
    openNetworks: [],
    passedOnVariables: {},
    dockerCommand: options.engine?.engine.command,
    buildImage: testImage,
    privateSources: true,
  })
  const caches = openCaches({
    folder: join(folder, 'caches'),
    bytesMax: 1024 ** 3,
    eachBytesMax: 64 * 1024 ** 2,
    now,
    log,
    ...options.caches,
  })
  const toolchains = options.toolchains ?? (await openTestToolchains(join(folder, 'tools')))
  const shared = { database, blobs, executor, caches, toolchains, workRoot, now, log }
  const runJob = createRunner({
    ...shared,
    secrets,
    s3: {},
    serverVariables: {},
    sessionLimits: (type) => ({
      memoryBytes: (type === 'LARGE_16GB' ? 2 : 1) * 1024 ** 3,
      processesMax: 256,
      cpus: 2,
      diskBytes: 1024 ** 3,
    }),
    localRepositories: anyRepository,
    privateSources: true,
    plainProxies: false,
    defaultDomain: (appId) => `${appId}.localhost`,
    sitesChanged: async () => undefined,
    visit: async () => ({ status: 200 }),
    ...options.runner,
  })
  const owner = newId()
  const worker = createWorker({
    ...shared,
    owner,
    runJob,
    concurrency: options.concurrency ?? 4,
    accountJobsMax: 100,
    shortage: options.shortage ?? (() => Promise.resolve(undefined)),
    pollMilliseconds: 50,
    renewMilliseconds: 100,
  })
  if (!options.idle) worker.start()

  const runs: JobRuns = {
    folder,
    workRoot,
    database,
    blobs,
    executor,
    worker,
    async addApp(settings, { secrets: appSecrets, branch: branchSettings } = {}) {
      const app = appRow()
      const branch = branchRow(app.appId)
      await insertApp(database.queries, {
        ...app,
        settings: {
          ...app.settings,
          ...settings,
          environmentVariables: { HANG_SECONDS: String(hangSeconds), ...settings.environmentVariables },
        },
        secrets: appSecrets ? secrets.seal(appSecrets) : null,
      })
      await insertBranch(database.queries, {
        ...branch,
        settings: { ...branch.settings, ...branchSettings },
      })
      return branch.branchId
    },
    async start(branchId, job = {}) {
      const { jobKey } = await database.transaction(async (transaction) => {
        const number = await takeJobNumber(transaction, branchId)
        const row = jobRow(branchId, number, { createdAt: now(), ...job })
        await insertJob(transaction, row)
        return row
      })
      worker.wake()
      return jobKey
    },
    async stop(jobKey) {
      await changeJob(database.queries, jobKey, ['PROVISIONING', 'RUNNING'], { status: 'CANCELLING' })
      worker.wake()
    },
    job: (jobKey) => findJobByKey(database.queries, jobKey),
    waitForStatus: (jobKey, ...statuses) =>
      waitFor(`job to be ${statuses.join(' or ')}`, jobSecondsMax, async () => {
        const job = await runs.job(jobKey)
        return job && statuses.includes(job.status) && job
      }),
    finish: (jobKey) => runs.waitForStatus(jobKey, ...finishedStatuses),
    steps: (jobKey) => listSteps(database.queries, jobKey),
    async log(jobKey, step) {
      const row = await findStep(database.queries, jobKey, step)
      if (row?.logSha) return blobs.open(row.logSha).text()
      return readFileSync(liveLogPath(workRoot, jobKey, step), 'utf8')
    },
    async liveFiles(branchId) {
      const branch = await findBranchById(database.queries, branchId)
      const deployment = await findDeployment(database.queries, branch?.activeDeploymentId ?? '')
      if (!deployment) return undefined
      const manifest = JSON.parse(await blobs.open(deployment.manifestSha).text()) as Manifest
      const files: Record<string, string> = {}
      for (const [path, { sha }] of Object.entries(manifest.files)) files[path] = await blobs.open(sha).text()
      return files
    },
    async close() {
      await worker.stop()
      await database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return runs
}
