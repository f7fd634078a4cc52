import { lstat, mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'

import type { Blobs } from '../blobs/blobs.ts'
import { collectFolder } from '../deploy/collect-folder.ts'
import { checkout, type Commit } from '../git/checkout.ts'
import { parseRepository, repositoryName, RepositoryRefused, shownRepository } from '../git/repository.ts'
import { appOptionsOf } from '../model/app-options.ts'
import { limits } from '../model/limits.ts'
import { emptyManifest, type Manifest } from '../model/manifest.ts'
import type { AppSecrets } from '../model/settings.ts'
import type { AppRow, BranchRow, JobRow } from '../store/schema.ts'
import { BuildFailed, customerError } from './build-failed.ts'
import { type BuildSpec, parseBuildSpec } from './build-spec.ts'
import { buildEnvironment } from './environment.ts'
import type { Executor, SessionLimits } from './executor.ts'
import { buildSpecFiles, customHeadersFile, findBuildSpec, readOwnFile } from './find-build-spec.ts'
import { detectBuildSpec, type DetectionTask } from './framework.ts'
import { runPhases } from './run-phases.ts'

export interface BuildOptions {
  blobs: Blobs
  executor: Executor
  /** The job's folder in the work folder: logs, Git's configuration, and below `build` what its commands see. */
  jobFolder: string
  /** Server variables that builds see. */
  serverVariables: Record<string, string>
  sessionLimits: SessionLimits
  fileRepositories: boolean
  privateSources: boolean
}

export interface BuildJob extends DetectionTask {
  job: JobRow
  app: AppRow
  branch: BranchRow
  appSecrets: AppSecrets
  /** Aborted when the job is stopped or its time is up. */
  signal: AbortSignal
  onCommit(commit: Commit): Promise<void>
  /** Called before the first command of the repository runs. */
  onCommandsStart(): Promise<void>
}

/** Step BUILD: from a commit to the manifest of what it made (contract/hosting-behaviour.md §1). */
export async function build(options: BuildOptions, task: BuildJob): Promise<Manifest> {
  const { log } = task
  log.write('INFO', `# Build environment configured with ${describeLimits(options)}`)
  const checkedOut = await checkOut(options, task)
  const spec = await readSpec(checkedOut.folder, task)
  await runCommands(options, task, spec, checkedOut)
  await requireRealFolder(checkedOut.folder)
  log.write('INFO', '## Build completed successfully')
  if ((await readOwnFile(checkedOut.folder, customHeadersFile)) !== undefined) {
    log.write('INFO', '# Found custom headers config file.')
    log.write('WARNING', `# ${customHeadersFile} is not applied: this version serves no custom headers.`)
  }
  log.write('INFO', "Uploading build artifact '__artifacts.zip'")
  const manifest = await collect(options, task, spec, checkedOut.folder)
  log.write('INFO', 'Build artifact upload completed')
  log.write('INFO', 'Terminating logging...')
  return manifest
}

interface CheckedOut {
  folder: string
  cloneUrl: string
  commit: Commit
}

async function checkOut(options: BuildOptions, task: BuildJob): Promise<CheckedOut> {
  const { app, branch, job, appSecrets, log } = task
  const repository = readRepository(app.settings.repository)
  const cloneUrl = shownRepository(repository)
  const workFolder = join(options.jobFolder, 'build')
  const scratchFolder = join(options.jobFolder, 'git')
  await Promise.all([mkdir(workFolder, { mode: 0o755 }), mkdir(scratchFolder, { mode: 0o700 })])
  const folder = join(workFolder, repositoryName(repository))
  log.write('INFO', `# Cloning repository: ${cloneUrl}`)
  log.write('INFO', `Cloning into '${basename(folder)}'...`)
  const commit = await checkout({
    repository: app.settings.repository!,
    branch: branch.name,
    commitId: job.commitId ?? undefined,
    folder,
    scratchFolder,
    token: appSecrets.accessToken ?? appSecrets.oauthToken,
    fileAllowed: options.fileRepositories,
    privateAllowed: options.privateSources,
    signal: task.signal,
    onCommit: task.onCommit,
    onProgress: (line) => log.write('INFO', line),
  })
  await rm(scratchFolder, { recursive: true, force: true })
  log.write('INFO', 'Successfully cleaned up Git credentials')
  return { folder, cloneUrl, commit }
}

function readRepository(text: string | undefined) {
  try {
    return parseRepository(text ?? '')
  } catch (error) {
    if (error instanceof RepositoryRefused) throw customerError(error.message)
    throw error
  }
}

/** Variables with an effect on Amplify that this build does without. */
const controlVariables = ['_LIVE_UPDATES', '_CUSTOM_IMAGE', 'AMPLIFY_DIFF_DEPLOY', 'AMPLIFY_DIFF_BACKEND']

async function readSpec(folder: string, task: BuildJob): Promise<BuildSpec> {
  const { app, branch, log } = task
  const variables = { ...app.settings.environmentVariables, ...branch.settings.environmentVariables }
  const appRoot = variables['AMPLIFY_MONOREPO_APP_ROOT'] ?? ''
  const found =
    (await findBuildSpec(folder, branch.settings.buildSpec, app.settings.buildSpec)) ??
    (await detectBuildSpec(folder, appRoot, task))
  if (appRoot && !/^applications:/m.test(found.text)) {
    throw customerError('Monorepo spec provided without "applications" key')
  }
  const spec = parseBuildSpec(found.text)
  for (const key of spec.unknownKeys) {
    log.write('WARNING', `# The key "${key}" of ${found.origin} means nothing: is it mistyped?`)
  }
  for (const section of spec.skipped) {
    log.write(
      'WARNING',
      `# The section "${section}" of ${found.origin} is skipped: this version of Preamp does not act on it.`,
    )
  }
  for (const name of controlVariables) {
    if (variables[name])
      log.write('WARNING', `# ${name} is set but this version of Preamp does not act on it.`)
  }
  return spec
}

async function runCommands(
  options: BuildOptions,
  task: BuildJob,
  spec: BuildSpec,
  { folder, cloneUrl }: CheckedOut,
): Promise<void> {
  if (spec.phases.every(({ commands }) => commands.length === 0)) return
  const { app, branch, job, log } = task
  log.write('INFO', '## Starting Frontend Build')
  await runPhases(options.executor, spec.phases, {
    jobKey: job.jobKey,
    workFolder: join(options.jobFolder, 'build'),
    startFolder: folder,
    limits: options.sessionLimits,
    network: appOptionsOf(app).network,
    readableFolders: [],
    environment: buildEnvironment(
      {
        accountId: app.accountId,
        region: app.region,
        appId: app.appId,
        branchName: branch.name,
        jobNumber: job.number,
        deploymentId: job.deploymentId,
        // The literal is what Amplify documents for a job that was started without a commit.
        commitId: job.commitId ?? 'HEAD',
        cloneUrl,
      },
      {
        server: options.serverVariables,
        spec: spec.variables,
        app: app.settings.environmentVariables ?? {},
        branch: branch.settings.environmentVariables ?? {},
      },
    ),
    log,
    signal: task.signal,
    onOpen: task.onCommandsStart,
  })
  log.write('INFO', '## Completed Frontend Build')
}

/**
 * The commands own the folder above the repository too, and could have put a link to `/` in its place: what is collected
 * must lie where the checkout was. None of their processes is left to change it after this look.
 */
async function requireRealFolder(folder: string): Promise<void> {
  const status = await lstat(folder).catch(() => undefined)
  if (status?.isDirectory()) return
  throw customerError('The commands removed the folder of the repository or put something else in its place')
}

async function collect(
  options: BuildOptions,
  { signal }: BuildJob,
  { artifacts }: BuildSpec,
  folder: string,
): Promise<Manifest> {
  const manifest = await collectFolder({ blobs: options.blobs, root: folder, ...artifacts, signal })
  if (artifacts.baseDirectory !== '') return manifest
  // Where the repository itself is the site, the files that tell how to host it are not part of it.
  const site = emptyManifest()
  for (const [path, file] of Object.entries(manifest.files)) {
    if (![...buildSpecFiles, customHeadersFile].includes(path)) site.files[path] = file
  }
  if (Object.keys(site.files).length === 0) throw new BuildFailed('The repository has no files to publish')
  return site
}

function describeLimits({ executor, sessionLimits }: BuildOptions): string {
  const gibibytes = sessionLimits.memoryBytes / 1024 ** 3
  const memory = gibibytes >= 1 ? `${Math.round(gibibytes)}GiB` : `${Math.round(gibibytes * 1024)}MiB`
  return `${executor.name}: ${memory} Memory, ${sessionLimits.processesMax} processes, ${limits.outputBytesMax / 1024 ** 3}GiB output`
}
