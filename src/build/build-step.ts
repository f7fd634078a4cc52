import { realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'

import type { BuildComputeType } from '@aws-sdk/client-amplify'

import type { Blobs } from '../blobs/blobs.ts'
import { collectFolder } from '../deploy/collect-folder.ts'
import type { TestFiles } from '../deploy/collect-test-files.ts'
import type { Commit } from '../git/checkout.ts'
import type { LocalRepositories } from '../git/local-repositories.ts'
import { appOptionsOf } from '../model/app-options.ts'
import { describeCompute } from '../model/compute-types.ts'
import { buildSpecFiles, customHeadersFile, customRulesFile } from '../model/hosting-files.ts'
import { emptyManifest, type Manifest } from '../model/manifest.ts'
import type { AppSecrets } from '../model/settings.ts'
import type { AppRow, BranchRow, JobRow } from '../store/schema.ts'
import { BuildFailed } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'
import { realBuildPath } from './build-path.ts'
import { type BuildSecrets, writeSecretNames } from './build-secrets.ts'
import { BuildShell } from './build-shell.ts'
import { type BuildSpec, parseBuildSpec } from './build-spec.ts'
import { type CacheStep, cacheStep } from './caches/cache-step.ts'
import type { Caches } from './caches/caches.ts'
import { type CheckedOut, checkOut } from './checkout-step.ts'
import { isOn, settingVariables, variableWarnings } from './control-variables.ts'
import { findCustomHeaders } from './custom-headers.ts'
import { customImage } from './custom-image.ts'
import { withCustomRules } from './custom-rules.ts'
import {
  type EnvironmentCache,
  environmentCacheOnPath,
  keepEnvironmentCache,
  openEnvironmentCache,
} from './environment-cache.ts'
import { buildEnvironment } from './environment.ts'
import type { Executor, SessionLimits } from './executor.ts'
import { findBuildSpec } from './find-build-spec.ts'
import { findNoChange } from './find-changes.ts'
import { detectBuildSpec, type DetectionTask } from './framework.ts'
import { readOwnFile } from './own-file.ts'
import { computeTypeOf } from './session-limits.ts'
import { runTests } from './test-step.ts'
import type { Toolchain, Toolchains } from './toolchain/toolchains.ts'

export interface BuildOptions {
  blobs: Blobs
  executor: Executor
  caches: Caches
  toolchains: Toolchains
  /** The job's folder in the work folder: logs, Git's configuration, and below `build` what its commands see. */
  jobFolder: string
  /** Server variables that builds see. */
  serverVariables: Record<string, string>
  /** What the commands of an app may use, by its compute type. */
  sessionLimits(type: BuildComputeType): SessionLimits
  localRepositories: LocalRepositories
  privateSources: boolean
}

export interface BuildJob extends DetectionTask {
  job: JobRow
  app: AppRow
  branch: BranchRow
  appSecrets: AppSecrets
  buildSecrets: BuildSecrets
  environmentCache: EnvironmentCache
  /** Aborted when the job is stopped or its time is up. */
  signal: AbortSignal
  onCommit(commit: Commit): Promise<void>
  /** Called before the first command of the repository runs. */
  onCommandsStart(): Promise<void>
  /** The commit of the branch's last successful job. */
  lastBuiltCommit(): Promise<string | undefined>
  /** Records the step TEST, with a log of its own. */
  recordTests(work: (log: BuildLog) => Promise<void>): Promise<void>
  keepTestFiles(files: TestFiles): Promise<void>
}

/** What came of a build whose own commands succeeded. */
export type BuildResult =
  | { kind: 'built'; manifest: Manifest }
  /** There was nothing to build: what is live stays. */
  | { kind: 'unchanged'; reason: string }
  | { kind: 'tests-failed'; failure: BuildFailed }

const sharedNetwork =
  '# The build shares the network of its machine: it reaches services there that listen on loopback alone, and link-local and metadata addresses.'

/**
 * Step BUILD: from a commit to the manifest of what it made (contract/hosting-behaviour.md §1). The commands of all sections
 * run in one shell, those of the tests too, with a step of their own. What they leave is read once all their processes are
 * gone: nobody can change it while it is read, and what is published is what was tested.
 */
export async function build(options: BuildOptions, task: BuildJob): Promise<BuildResult> {
  const { log } = task
  log.write('INFO', `# Build environment configured with ${describeLimits(options, task.app)}`)
  const { sharesNetwork, networkWarning } = options.executor
  if (appOptionsOf(task.app).network) {
    if (sharesNetwork) log.write('WARNING', sharedNetwork)
    if (networkWarning) log.write('WARNING', `# ${networkWarning}`)
  } else {
    log.write('INFO', '# The build has no network, as the option network of its app says.')
  }
  const checkedOut = await checkOut(options, task)
  const spec = await readSpec(checkedOut.folder, options, task)
  const unchanged = await findNoChange({
    trigger: task.job.trigger,
    variables: settingVariables(task.app, task.branch),
    appRoot: spec.appRoot,
    isLive: task.branch.activeDeploymentId !== null,
    clone: checkedOut.folder,
    commitId: checkedOut.commit.id,
    lastBuiltCommit: task.lastBuiltCommit,
    signal: task.signal,
    log,
  })
  const environmentCache = { of: task.environmentCache, folder: join(options.jobFolder, 'build'), log }
  const kept = await openEnvironmentCache(environmentCache)
  writeSecretNames(log, task.buildSecrets)
  const cache = openCache(options, task, spec, checkedOut)
  const toolchain = await openToolchain(options, task, spec, checkedOut)
  const shell = await openShell(options, task, spec, { ...checkedOut, cache, toolchain })
  let testFailure: BuildFailed | undefined
  try {
    if (toolchain) await shell.run([toolchain.updates], log)
    await runBackend(shell, spec, task)
    if (unchanged === undefined) {
      await runFrontend(shell, spec, log)
      log.write('INFO', '## Build completed successfully')
      testFailure = await runTestSection(options, task, spec, { shell, folder: checkedOut.folder })
    }
  } finally {
    await shell.end()
    await toolchain?.close()
  }
  if (unchanged !== undefined) return finish({ kind: 'unchanged', reason: unchanged }, log)
  const root = await realBuildPath(checkedOut.folder, spec.buildPath)
  await cache.save()
  await keepEnvironmentCache(environmentCache, kept)
  if (testFailure) {
    log.write('WARNING', '# The tests failed: what was built is not published.')
    return finish({ kind: 'tests-failed', failure: testFailure }, log)
  }
  const customHeaders = await findCustomHeaders(checkedOut.folder, spec, log)
  log.write('INFO', "Uploading build artifact '__artifacts.zip'")
  const collected = await collect(options, task, spec, root)
  log.write('INFO', 'Build artifact upload completed')
  const manifest = await withCustomRules(collected, { ...options, ...task }, () =>
    readOwnFile(checkedOut.folder, customRulesFile),
  )
  const folder = join(spec.buildPath, spec.artifacts.baseDirectory)
  return finish(
    { kind: 'built', manifest: { ...manifest, ...customHeaders, ...(folder !== '.' && { folder }) } },
    log,
  )
}

function finish(result: BuildResult, log: BuildLog): BuildResult {
  log.write('INFO', 'Terminating logging...')
  return result
}

async function readSpec(folder: string, { executor }: BuildOptions, task: BuildJob): Promise<BuildSpec> {
  const { app, branch, log } = task
  const variables = settingVariables(app, branch)
  const appRoot = variables['AMPLIFY_MONOREPO_APP_ROOT']
  const { buildSpec, buildSpecDetected } = app.settings
  const found =
    (await findBuildSpec(folder, branch.settings.buildSpec, buildSpecDetected ? undefined : buildSpec)) ??
    (await detectBuildSpec(folder, appRoot ?? '', task))
  if (!buildSpecFiles.includes(found.origin)) log.write('INFO', `# Build spec: ${found.origin}`)
  const spec = parseBuildSpec(found.text, appRoot)
  for (const key of spec.unknownKeys) {
    log.write('WARNING', `# The key "${key}" of ${found.origin} means nothing: is it mistyped?`)
  }
  for (const warning of spec.warnings) log.write('WARNING', `# ${warning}`)
  for (const warning of variableWarnings(variables, executor.name)) log.write('WARNING', warning)
  return spec
}

function openCache(
  { caches, executor, jobFolder }: BuildOptions,
  { branch: { branchId }, log }: BuildJob,
  spec: BuildSpec,
  { folder }: CheckedOut,
): CacheStep {
  const cached = {
    jobFolder,
    branchId,
    clone: relative(jobFolder, folder),
    buildPath: spec.buildPath,
    executor: executor.name,
  }
  return cacheStep(caches.builds, cached, spec.cachePaths, { from: branchId, log })
}

/** None where there is no command that could need one. */
async function openToolchain(
  { toolchains, jobFolder }: BuildOptions,
  { app, branch, log, signal }: BuildJob,
  { backend, frontend, test, buildPath }: BuildSpec,
  { folder }: CheckedOut,
): Promise<Toolchain | undefined> {
  const phases = [...backend, ...frontend, ...(test?.phases ?? [])]
  const commands = phases.flatMap((phase) => phase.commands)
  if (commands.length === 0) return undefined
  const folders = [await realBuildPath(folder, buildPath), folder]
  const variables = settingVariables(app, branch)
  return toolchains.open({
    ownFolder: join(jobFolder, 'toolchain'),
    variables,
    commands,
    folders,
    signal,
    log,
  })
}

async function openShell(
  options: BuildOptions,
  task: BuildJob,
  spec: BuildSpec,
  { folder, cloneUrl, cache, toolchain }: CheckedOut & { cache: CacheStep; toolchain: Toolchain | undefined },
): Promise<BuildShell> {
  const { app, branch, job, log } = task
  const workFolder = join(options.jobFolder, 'build')
  const start = relative(await realpath(folder), await realBuildPath(folder, spec.buildPath))
  return new BuildShell(options.executor, {
    jobKey: job.jobKey,
    workFolder,
    startFolder: join(folder, start),
    preparation: [
      environmentCacheOnPath(relative(join(folder, start), workFolder)),
      toolchain?.preparation ?? '',
    ].join('\n'),
    limits: options.sessionLimits(computeTypeOf(app)),
    network: appOptionsOf(app).network,
    readableFolders: toolchain?.readableFolders ?? [],
    image: customImage(settingVariables(app, branch), task.appSecrets),
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
        secrets: task.buildSecrets,
      },
    ),
    log,
    signal: task.signal,
    async onFolderReady() {
      await cache.restore()
      await task.onCommandsStart()
    },
  })
}

/** The lines are there without a section too, as on Amplify (contract/hosting-behaviour.md §1.10). */
async function runBackend(shell: BuildShell, spec: BuildSpec, { branch, log }: BuildJob): Promise<void> {
  const startedAt = performance.now()
  const environment = branch.settings.backendEnvironmentArn
  log.write('INFO', '## Starting Backend Build')
  log.write('INFO', '## Checking for associated backend environment...')
  if (environment) {
    log.write('WARNING', `# ${environment} is not deployed: Preamp runs only the commands of the section.`)
  } else {
    log.write('INFO', '## No backend environment association found, continuing...')
  }
  await shell.run(spec.backend, log)
  log.write('INFO', '## Completed Backend Build')
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  log.write('INFO', JSON.stringify({ backendDuration: seconds }))
}

async function runFrontend(shell: BuildShell, spec: BuildSpec, log: BuildLog): Promise<void> {
  log.write('INFO', '## Starting Frontend Build')
  await shell.run(spec.frontend, log)
  log.write('INFO', '## Completed Frontend Build')
}

/** The failure of the tests, after which the build itself is still a good one. */
async function runTestSection(
  { blobs }: BuildOptions,
  task: BuildJob,
  { test: section, buildPath }: BuildSpec,
  { shell, folder }: { shell: BuildShell; folder: string },
): Promise<BuildFailed | undefined> {
  const { app, branch, log, signal } = task
  if (!section || section.phases.every(({ commands }) => commands.length === 0)) return undefined
  if (isOn(settingVariables(app, branch)['USER_DISABLE_TESTS'])) {
    log.write('INFO', '# The section test is skipped, as USER_DISABLE_TESTS says.')
    return undefined
  }
  const findRoot = () => realBuildPath(folder, buildPath)
  const keep = task.keepTestFiles
  try {
    await task.recordTests((testLog) => runTests({ shell, section, blobs, findRoot, keep, signal }, testLog))
    return undefined
  } catch (error) {
    if (!(error instanceof BuildFailed) || signal.aborted) throw error
    return error
  }
}

async function collect(
  options: BuildOptions,
  { signal, log }: BuildJob,
  { artifacts, buildPath }: BuildSpec,
  root: string,
): Promise<Manifest> {
  const manifest = await collectFolder({ blobs: options.blobs, root, ...artifacts, signal })
  warnOfPrivateFiles(manifest, log)
  if (buildPath !== '' || artifacts.baseDirectory !== '') return manifest
  // Where the repository itself is the site, the files that tell how to host it are not part of it.
  const site = emptyManifest()
  for (const [path, file] of Object.entries(manifest.files)) {
    if (![...buildSpecFiles, customHeadersFile].includes(path)) site.files[path] = file
  }
  if (Object.keys(site.files).length === 0) throw new BuildFailed('The repository has no files to publish')
  return site
}

/** They are where people keep passwords. */
function warnOfPrivateFiles({ files }: Manifest, log: BuildLog): void {
  const names = Object.keys(files).filter((path) =>
    /(?:^|\/)\.(?:env(?:\.[^/]*)?|npmrc|netrc|htpasswd)$/.test(path),
  )
  if (names.length === 0) return
  log.write(
    'WARNING',
    `# Everybody can read ${names.slice(0, 5).join(', ')} of the site. Leave such files out with baseDirectory or files of artifacts.`,
  )
}

function describeLimits({ sessionLimits }: BuildOptions, app: AppRow): string {
  const type = computeTypeOf(app)
  return describeCompute(type, sessionLimits(type))
}
