import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import type { TestFiles } from '../deploy/collect-test-files.ts'
import { JobNotRunning, publish, type Published, settle, withdraw } from '../deploy/publish.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import type { S3Settings } from '../deploy/s3-source.ts'
import { CheckoutFailed } from '../git/checkout.ts'
import { appOptionsOf } from '../model/app-options.ts'
import { newId } from '../model/ids.ts'
import { paddedJobNumber } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { type Manifest, manifestBytes } from '../model/manifest.ts'
import { plainText } from '../model/plain-text.ts'
import type { AppSecrets, BranchSecrets } from '../model/settings.ts'
import { findAppById } from '../store/apps.ts'
import { insertArtifacts } from '../store/artifacts.ts'
import { findBranchById } from '../store/branches.ts'
import { findBuildSecrets } from '../store/build-secrets.ts'
import type { Database } from '../store/database.ts'
import { findEnvironmentCache, saveEnvironmentCache } from '../store/environment-caches.ts'
import { changeJob, findLastBuiltCommit } from '../store/jobs.ts'
import type { AppRow, ArtifactRow, BranchRow, JobRow } from '../store/schema.ts'
import type { SecretBox } from '../store/secret-box.ts'
import { BuildFailed } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'
import { type BuildSecrets, openBuildSecrets } from './build-secrets.ts'
import { build, type BuildOptions, type BuildResult } from './build-step.ts'
import { checkSite, type CheckSiteOptions } from './check-site.ts'
import { collectUploads } from './collect-uploads.ts'
import { settingVariables } from './control-variables.ts'
import { withCustomHeaders } from './custom-headers.ts'
import { withCustomRules } from './custom-rules.ts'
import { watchDisk } from './disk-watch.ts'
import type { EnvironmentCache } from './environment-cache.ts'
import { buildTimeoutMilliseconds } from './environment.ts'
import { type JobControl, JobStopped, type RunJob } from './job-control.ts'
import { endInterruptedJob, endJob } from './job-fate.ts'
import { keepDetected } from './keep-detected.ts'
import { basicAuthSecrets, type SecretMask, secretMasks } from './secret-mask.ts'
import { createStepRecorder, type StepEnd, type StepRecorder } from './step-recorder.ts'
import { verifySite } from './verify-site.ts'
import { removeWorkFolder } from './work-folder.ts'

export interface RunnerOptions extends Omit<BuildOptions, 'jobFolder'>, Omit<CheckSiteOptions, 'queries'> {
  database: Database
  blobs: Blobs
  secrets: SecretBox
  /** One folder for each job at work. */
  workRoot: string
  /** Where and with whose credentials `s3://` sources are read. */
  s3: S3Settings
  /** Resolves when every live edge shows what the database holds now, or after a bound. */
  sitesChanged(): Promise<void>
  /** Asks an edge for `/` of a site as a visitor would; rejects when it does not answer. */
  visit(appId: string, displayName: string, signal: AbortSignal): Promise<{ status: number }>
  now(): number
  log: Logger
  /** How long a build may take, given its app and branch variables; `_BUILD_TIMEOUT` unless given. */
  buildTimeoutMilliseconds?(variables: Record<string, string>): number
  /** `limits.diskFreeBytesMin` unless given. */
  diskFreeBytesMin?(): number
}

/** Everything that one run of a job needs. */
interface Run {
  job: JobRow
  app: AppRow
  branch: BranchRow
  appSecrets: AppSecrets
  buildSecrets: BuildSecrets
  control: JobControl
  steps: StepRecorder
  newMask(): SecretMask
}

/** Makes what the worker calls for each job it claims. */
export function createRunner(options: RunnerOptions): RunJob {
  const { database, now } = options

  return async function runJob(job, control) {
    const held = { jobKey: job.jobKey, owner: control.owner }
    const jobFolder = join(options.workRoot, job.jobKey)
    const disk = watchDisk(options.workRoot, options.diskFreeBytesMin)
    let run: Run | undefined
    try {
      run = await prepare(job, { ...control, signal: AbortSignal.any([control.signal, disk.signal]) })
      await freeFolder(jobFolder)
      await mkdir(jobFolder, { mode: 0o755 })
      const built = job.type === 'MANUAL' ? undefined : await runBuild(run, jobFolder)
      if (built?.kind === 'tests-failed') throw built.failure
      if (built?.kind !== 'unchanged') {
        const published = await runDeploy(run, jobFolder, built?.manifest)
        await runVerify(run, published)
      }
      // Before the end, after which the next job of the branch may look for it.
      await options.caches.builds.takeBack(jobFolder, false)
      await endJob(database, held, { status: 'SUCCEED', reason: null }, now())
      await freeFolder(jobFolder)
    } catch (error) {
      const end = describeEnd(error, run?.newMask)
      await options.caches.builds.takeBack(jobFolder, end?.status === 'FAILED')
      if (end) await endJob(database, held, end, now())
      const reason = end || isLost(error) ? undefined : await explain(error, job)
      // Before a job goes back to PENDING, as the next run of it has the same folder.
      await freeFolder(jobFolder)
      if (reason !== undefined) await endInterruptedJob(database, held, reason, now())
    } finally {
      disk.clear()
    }
  }

  async function freeFolder(jobFolder: string): Promise<void> {
    await options.caches.builds.takeBack(jobFolder, false)
    await removeWorkFolder(jobFolder)
    void options.caches.makeRoom()
  }

  async function prepare(job: JobRow, control: JobControl): Promise<Run> {
    const branch = await findBranchById(database.queries, job.branchId)
    const app = branch && (await findAppById(database.queries, branch.appId))
    if (!app) throw new JobStopped('lost')
    const appSecrets: AppSecrets = app.secrets === null ? {} : options.secrets.open(app.secrets)
    const branchSecrets: BranchSecrets = branch.secrets === null ? {} : options.secrets.open(branch.secrets)
    const rows = await findBuildSecrets(database.queries, { appId: app.appId, branchName: branch.name })
    const buildSecrets = openBuildSecrets(rows, options.secrets)
    const newMask = secretMasks([
      ...secretValues(app, appSecrets, branchSecrets),
      ...Object.values(buildSecrets),
    ])
    const steps = createStepRecorder({
      database,
      blobs: options.blobs,
      workRoot: options.workRoot,
      held: { jobKey: job.jobKey, owner: control.owner },
      newMask,
      describe: (error) => describeEnd(error, newMask),
      now,
    })
    return { job, app, branch, appSecrets, buildSecrets, control, steps, newMask }
  }

  async function runBuild(run: Run, jobFolder: string): Promise<BuildResult> {
    const { job, app, branch, control } = run
    const variables = settingVariables(app, branch)
    const milliseconds =
      options.buildTimeoutMilliseconds?.(variables) ?? buildTimeoutMilliseconds(variables, limits)
    const deadline = deadlineIn(milliseconds)
    const signal = AbortSignal.any([control.signal, deadline.signal])
    const work = (log: BuildLog) =>
      build(
        { ...options, jobFolder },
        {
          ...run,
          log,
          signal,
          environmentCache: environmentCacheOf(run),
          onCommit: (commit) =>
            hold(run, {
              commitId: commit.id,
              // A message given to StartJob is kept (contract/api-behaviour.md §4).
              commitMessage: job.commitMessage ?? commit.message,
              commitTime: commit.time,
            }),
          onDetected: (detection, appRoot) => keepDetected(database, run, detection, appRoot, now()),
          onCommandsStart: () => hold(run, { commandsStarted: true }),
          lastBuiltCommit: () => findLastBuiltCommit(database.queries, branch.branchId),
          recordTests: (tests) => run.steps.record('TEST', tests, step),
          keepTestFiles: (files) => keepTestFiles(run, files),
        },
      )
    const step = { context: options.executor.name }
    const unprepare = appOptionsOf(app).network ? options.executor.prepare?.(job.jobKey) : undefined
    try {
      return await run.steps.record('BUILD', work, { ...step, reasonOf: unchangedReason })
    } finally {
      deadline.clear()
      await unprepare?.()
    }
  }

  function environmentCacheOf({ job, control, branch: { branchId } }: Run): EnvironmentCache {
    return {
      async read() {
        const row = await findEnvironmentCache(database.queries, branchId)
        return row ? options.secrets.open(row.variables) : {}
      },
      save: (variables) =>
        database.transaction(async (transaction) => {
          // A worker that lost the job meanwhile must not write; and while the job is held its branch cannot go.
          const change = { leaseOwner: control.owner }
          const held = await changeJob(transaction, job.jobKey, ['RUNNING'], change, control.owner)
          if (!held) throw new JobNotRunning('The job was stopped or deleted')
          const sealed = options.secrets.seal(variables)
          await saveEnvironmentCache(transaction, { branchId, variables: sealed, updatedAt: now() })
        }),
    }
  }

  function runDeploy(run: Run, jobFolder: string, built: Manifest | undefined): Promise<Published> {
    const { job, app, branch, control } = run
    return run.steps.record('DEPLOY', async (log) => {
      const buildId = paddedJobNumber(job.number)
      log.write(
        'INFO',
        `Beginning deployment for application ${app.appId}, branch:${branch.name}, buildId ${buildId}`,
      )
      const manifest = built ?? (await collectManually(run, jobFolder, log))
      if (built) log.write('INFO', `Got archive: ${manifestBytes(built)} bytes`)
      await checkSite(manifest, { app, log }, { ...options, queries: database.queries })
      control.signal.throwIfAborted()
      const published = await publish({ database, blobs: options.blobs, job, manifest, now: now() })
      // From here on visitors see it: the job succeeds, or is withdrawn by VERIFY, and is no longer stopped.
      await options.sitesChanged()
      log.write('INFO', `Deployed ${Object.keys(manifest.files).length} files`)
      return published
    })
  }

  async function collectManually(
    { job, app, control }: Run,
    jobFolder: string,
    log: BuildLog,
  ): Promise<Manifest> {
    const collected = await collectUploads({ ...options, jobFolder, job, signal: control.signal, log })
    const { blobs } = options
    return withCustomRules(await withCustomHeaders(collected, { blobs, log }), { app, blobs, log })
  }

  function runVerify({ app, branch, steps }: Run, published: Published): Promise<void> {
    const verify = async (log: BuildLog) => {
      const answer = await verifySite((signal) => options.visit(app.appId, branch.displayName, signal))
      if ('status' in answer) {
        log.write('INFO', `The site answers with status ${answer.status}.`)
        return settle(database, published)
      }
      const restored = await withdraw(database, published, now())
      await options.sitesChanged()
      const outcome = restored
        ? 'What was live before is live again.'
        : 'What was live before is gone, so that it stays.'
      throw new BuildFailed(`${answer.problem} ${outcome}`)
    }
    return steps.record('VERIFY', verify, { afterStop: true })
  }

  /** The job is held meanwhile, so that none of its artifacts outlives it. */
  async function keepTestFiles({ job, control }: Run, { files, config }: TestFiles): Promise<void> {
    const rowOf = (kind: 'test' | 'test-config', fileName: string): ArtifactRow => {
      const { sha, size } = files.get(fileName)!
      return { artifactId: newId(), jobKey: job.jobKey, kind, fileName, sha, bytes: size, createdAt: now() }
    }
    const rows = [...files.keys()].map((fileName) => rowOf('test', fileName))
    if (config !== undefined) rows.push(rowOf('test-config', config))
    await database.transaction(async (transaction) => {
      const held = await changeJob(transaction, job.jobKey, ['RUNNING'], { status: 'RUNNING' }, control.owner)
      if (!held) throw new JobNotRunning('The job was stopped or deleted')
      await insertArtifacts(transaction, rows)
    })
  }

  /** Changes the job while this worker holds it and nobody asked to stop it. */
  async function hold({ job, control }: Run, change: Parameters<typeof changeJob>[3]): Promise<void> {
    const changed = await changeJob(database.queries, job.jobKey, ['RUNNING'], change, control.owner)
    if (!changed) throw new JobNotRunning('The job was stopped or deleted')
  }

  async function explain(error: unknown, { jobKey }: JobRow): Promise<string> {
    if (error instanceof JobStopped) return 'The server was stopped while the job ran.'
    options.log.error({ err: error, jobKey }, 'a job failed by our doing')
    await options.executor.reap(jobKey)
    return `Preamp failed, not the build; the server's log says why (job key ${jobKey}).`
  }
}

/** The end of a job that is the user's doing; undefined for what is ours, or the end of the server. */
function describeEnd(error: unknown, newMask?: () => SecretMask): StepEnd | undefined {
  if (error instanceof JobNotRunning || (error instanceof JobStopped && error.why === 'cancelled')) {
    return { status: 'CANCELLED', reason: null, logLines: ['The job was stopped'] }
  }
  const refused = error instanceof RefusedContent || error instanceof CheckoutFailed
  if (!refused && !(error instanceof BuildFailed)) return undefined
  const reason = shownReason(error.message, newMask?.())
  return { status: 'FAILED', reason, logLines: refused ? [`CustomerError: ${reason}`] : error.logLines }
}

/** Cut last: what is cut in two cannot be masked any more. */
function shownReason(message: string, mask: SecretMask | undefined): string {
  const text = plainText(mask ? mask.write(message) + mask.flush() : message)
  const max = limits.statusReasonCharactersMax
  return text.length > max ? `${text.slice(0, max)}…` : text
}

function unchangedReason(result: BuildResult): string | undefined {
  return result.kind === 'unchanged' ? result.reason : undefined
}

function isLost(error: unknown): boolean {
  return error instanceof JobStopped && error.why === 'lost'
}

function deadlineIn(milliseconds: number): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  const minutes = Math.round(milliseconds / 60_000)
  const reason = new BuildFailed(
    `The build took longer than ${minutes} minutes. Set _BUILD_TIMEOUT to allow up to ${limits.buildMinutesMax}.`,
    ['Build failed', `The build took longer than ${minutes} minutes`],
  )
  const timer = setTimeout(() => controller.abort(reason), milliseconds)
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

/** What must not be read in a log: tokens, passwords, and those in the repository's address. */
function secretValues(app: AppRow, appSecrets: AppSecrets, branchSecrets: BranchSecrets): string[] {
  const inUrl = /^[a-z]+:\/\/([^/@]*)@/i.exec(app.settings.repository ?? '')?.[1] ?? ''
  const password = inUrl.slice(inUrl.indexOf(':') + 1)
  return [
    appSecrets.accessToken ?? '',
    appSecrets.oauthToken ?? '',
    appSecrets.registry?.password ?? '',
    ...basicAuthSecrets(appSecrets.basicAuthCredentials),
    ...basicAuthSecrets(branchSecrets.basicAuthCredentials),
    ...(app.settings.repository?.startsWith('http') ? [password] : []),
  ]
}
