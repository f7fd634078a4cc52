import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { checkout, type Commit } from '../git/checkout.ts'
import { parseRepository, repositoryName, RepositoryRefused, shownRepository } from '../git/repository.ts'
import { BuildFailed, customerError } from './build-failed.ts'
import type { BuildJob, BuildOptions } from './build-step.ts'
import { watchDiskUse } from './executors/disk-use.ts'
import { computeTypeOf } from './session-limits.ts'

/** The commit of a job on the disk, before any of its commands has run. */
export interface CheckedOut {
  folder: string
  /** Without user and password. */
  cloneUrl: string
  commit: Commit
}

/**
 * Checks the commit of a job out, within the disk that its build may use.
 * @throws {import('../git/checkout.ts').CheckoutFailed}, {@link BuildFailed}; the signal's reason when it was stopped
 */
export async function checkOut(options: BuildOptions, task: BuildJob): Promise<CheckedOut> {
  const { app, branch, job, appSecrets, log } = task
  const repository = readRepository(app.settings.repository)
  const cloneUrl = shownRepository(repository)
  const workFolder = join(options.jobFolder, 'build')
  const scratchFolder = join(options.jobFolder, 'git')
  await Promise.all([mkdir(workFolder, { mode: 0o755 }), mkdir(scratchFolder, { mode: 0o700 })])
  const folder = join(workFolder, repositoryName(repository))
  log.write('INFO', `# Cloning repository: ${cloneUrl}`)
  log.write('INFO', `Cloning into '${basename(folder)}'...`)
  const { signal, clear } = withinDisk(options, task, workFolder)
  const commit = await checkout({
    repository: app.settings.repository!,
    branch: branch.name,
    commitId: job.commitId ?? undefined,
    folder,
    scratchFolder,
    token: appSecrets.accessToken ?? appSecrets.oauthToken,
    localRepositories: options.localRepositories,
    privateAllowed: options.privateSources,
    mirrors: { of: options.caches.mirrors, account: app.accountId },
    signal,
    onCommit: task.onCommit,
    onProgress: (line) => log.write('INFO', line),
  }).finally(clear)
  await rm(scratchFolder, { recursive: true, force: true })
  log.write('INFO', 'Successfully cleaned up Git credentials')
  return { folder, cloneUrl, commit }
}

/** A small repository can name one large file many times. */
function withinDisk(
  { sessionLimits }: BuildOptions,
  { app, signal }: BuildJob,
  workFolder: string,
): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  const { diskBytes } = sessionLimits(computeTypeOf(app))
  const watch = watchDiskUse(workFolder, diskBytes, (reason) => controller.abort(new BuildFailed(reason)))
  return { signal: AbortSignal.any([signal, controller.signal]), clear: () => watch.stop() }
}

function readRepository(text: string | undefined) {
  try {
    return parseRepository(text ?? '')
  } catch (error) {
    if (error instanceof RepositoryRefused) throw customerError(error.message)
    throw error
  }
}
