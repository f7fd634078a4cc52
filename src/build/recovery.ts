import { statSync } from 'node:fs'
import { join } from 'node:path'

import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import { endAbandonedUpload } from '../store/abandoned-uploads.ts'
import type { Database } from '../store/database.ts'
import { listAbandonedUploads, listExpiredLeases, takeExpiredLease } from '../store/jobs.ts'
import type { JobRow } from '../store/schema.ts'
import { changeStep, listSteps } from '../store/steps.ts'
import { liveLogPath } from './build-log.ts'
import type { Caches } from './caches/caches.ts'
import type { Executor } from './executor.ts'
import { endInterruptedJob } from './job-fate.ts'
import { listWorkFolders, removeWorkFolder } from './work-folder.ts'

export interface RecoveryOptions {
  database: Database
  blobs: Blobs
  executor: Executor
  caches: Caches
  workRoot: string
  owner: string
  now(): number
  log: Logger
}

const diedReason = 'The server that ran the job ended before it was done.'

/** Later than any lease: what a caller passes who knows that every other worker is dead. */
const endOfTime = Number.MAX_SAFE_INTEGER

/**
 * Clears up behind the process that had this data directory before: the lock on it says that it is dead. What its builds
 * left running is ended at once. Its jobs are decided at once too where no other machine can hold any (SQLite); on
 * PostgreSQL their leases must run out first.
 */
export async function recoverAtStart(options: RecoveryOptions): Promise<void> {
  for (const jobKey of await listWorkFolders(options.workRoot)) await clearUp(options, jobKey)
  const { kind } = options.database
  await recoverJobs(options, new Set(), kind === 'sqlite' ? endOfTime : options.now())
}

/**
 * Takes over the jobs whose worker no longer renews its lease, and decides what becomes of them.
 * @param ownJobs what this worker is at: it holds these, however late it is with renewing
 */
export async function recoverJobs(
  options: RecoveryOptions,
  ownJobs: ReadonlySet<string>,
  expiredAt = options.now(),
): Promise<void> {
  const { database, owner, now, log } = options
  for (const job of await listExpiredLeases(database.queries, expiredAt)) {
    if (ownJobs.has(job.jobKey)) continue
    const leaseExpiresAt = now() + limits.leaseSeconds * 1000
    if (!(await takeExpiredLease(database.queries, job, { owner, now: expiredAt, leaseExpiresAt }))) continue
    await clearUp(options, job.jobKey)
    const fate = await endInterruptedJob(database, { jobKey: job.jobKey, owner }, diedReason, now())
    log.warn(
      { jobKey: job.jobKey, previousOwner: job.leaseOwner, fate },
      'took over the job of a worker that is gone',
    )
  }
}

/** Fails the jobs whose uploads were not started while their URLs were good (contract/api-behaviour.md §4: 8 hours). */
export async function failAbandonedUploads({ database, now }: RecoveryOptions): Promise<void> {
  const createdBefore = now() - limits.uploadSecondsMax * 1000
  for (const job of await listAbandonedUploads(database.queries, createdBefore)) {
    await database.transaction((transaction) => endAbandonedUpload(transaction, job.jobKey, now()))
  }
}

/** Ends what is left of a dead job's processes, keeps its logs, and frees its folder. Safe to do again. */
async function clearUp(options: RecoveryOptions, jobKey: JobRow['jobKey']): Promise<void> {
  try {
    await options.executor.reap(jobKey)
    await keepLogs(options, jobKey)
    const folder = join(options.workRoot, jobKey)
    await options.caches.builds.takeBack(folder, false)
    await removeWorkFolder(folder)
  } catch (error) {
    // A job must not stay RUNNING for ever because its folder cannot be removed; the next start tries again.
    options.log.error({ err: error, jobKey }, 'cannot clear up behind a job')
  }
}

async function keepLogs({ database, blobs, workRoot }: RecoveryOptions, jobKey: string): Promise<void> {
  for (const step of await listSteps(database.queries, jobKey)) {
    const path = liveLogPath(workRoot, jobKey, step.name)
    if (step.logSha !== null || !statSync(path, { throwIfNoEntry: false })?.isFile()) continue
    const { sha } = await blobs.put({ path })
    await changeStep(database.queries, jobKey, step.name, { logSha: sha })
  }
}
