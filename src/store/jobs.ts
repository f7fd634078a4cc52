import { sql } from 'kysely'

import { type JobStatus, runningStatuses, waitingStatuses } from '../model/jobs.ts'
import type { Queries, Transaction } from './database.ts'
import type { JobRow } from './schema.ts'

/** Throws a unique violation when the branch already has a waiting job, or a running one and `row` runs. */
export async function insertJob(queries: Queries, row: JobRow): Promise<void> {
  await queries.insertInto('jobs').values(row).execute()
}

/** The caller has checked that the branch is the caller's own. */
export function findJob(queries: Queries, branchId: string, number: number): Promise<JobRow | undefined> {
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where('branchId', '=', branchId)
    .where('number', '=', number)
    .executeTakeFirst()
}

export function findJobByKey(queries: Queries, jobKey: string): Promise<JobRow | undefined> {
  return queries.selectFrom('jobs').selectAll().where('jobKey', '=', jobKey).executeTakeFirst()
}

/** Jobs, newest first (contract/api-behaviour.md §1.4); `before` is the last number of the page before. */
export function listJobs(
  queries: Queries,
  branchId: string,
  page: { before?: number | undefined; limit: number },
): Promise<JobRow[]> {
  const { before } = page
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where('branchId', '=', branchId)
    .$if(before !== undefined, (query) => query.where('number', '<', before!))
    .orderBy('number', 'desc')
    .limit(page.limit)
    .execute()
}

/**
 * The condition of a partial index, in the words of the migration: SQLite uses such an index only for a query that says the
 * same, with the values in its text. They are ours, never a user's.
 */
export function statusIn(column: 'status' | `${string}.status`, statuses: readonly JobStatus[]) {
  return sql<boolean>`${sql.ref(column)} in (${sql.join(statuses.map((status) => sql.lit(status)))})`
}

/** The branch's waiting and running jobs, newest first: two at the most. */
export function listUnfinishedJobs(queries: Queries, branchId: string): Promise<JobRow[]> {
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where('branchId', '=', branchId)
    .where(statusIn('status', [...waitingStatuses, ...runningStatuses]))
    .orderBy('number', 'desc')
    .execute()
}

/** Jobs that wait for a worker, on all servers of the database. */
export const countWaitingJobs = (queries: Queries) => countJobs(queries, ['PENDING'])

/** Jobs at work, on all servers of the database. */
export const countRunningJobs = (queries: Queries) => countJobs(queries, runningStatuses)

async function countJobs(queries: Queries, statuses: readonly JobStatus[]): Promise<number> {
  const { jobs } = await queries
    .selectFrom('jobs')
    .select(({ fn }) => fn.countAll<number>().as('jobs'))
    .where(statusIn('status', statuses))
    .executeTakeFirstOrThrow()
  return jobs
}

/** The commit that the branch's last successful build was of; undefined before the first. */
export async function findLastBuiltCommit(queries: Queries, branchId: string): Promise<string | undefined> {
  const job = await queries
    .selectFrom('jobs')
    .select('commitId')
    .where('branchId', '=', branchId)
    .where('status', '=', 'SUCCEED')
    .where('commitId', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return job?.commitId ?? undefined
}

/** Renews the lease; false when the job is no longer this owner's (deleted with its branch, or taken over). */
export async function renewLease(
  queries: Queries,
  jobKey: string,
  owner: string,
  leaseExpiresAt: number,
): Promise<boolean> {
  const result = await queries
    .updateTable('jobs')
    .set({ leaseExpiresAt })
    .where('jobKey', '=', jobKey)
    .where('leaseOwner', '=', owner)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Running jobs whose worker stopped renewing: the worker died, or its machine. */
export function listExpiredLeases(queries: Queries, now: number): Promise<JobRow[]> {
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where(statusIn('status', runningStatuses))
    .where((eb) => eb.or([eb('leaseExpiresAt', 'is', null), eb('leaseExpiresAt', '<', now)]))
    .execute()
}

/** Takes an expired job over, so that one worker alone decides its fate; false when another did. */
export async function takeExpiredLease(
  queries: Queries,
  job: JobRow,
  claim: { owner: string; now: number; leaseExpiresAt: number },
): Promise<boolean> {
  const result = await queries
    .updateTable('jobs')
    .set({ leaseOwner: claim.owner, leaseExpiresAt: claim.leaseExpiresAt })
    .where('jobKey', '=', job.jobKey)
    .where('status', 'in', [...runningStatuses])
    .where((eb) => eb.or([eb('leaseExpiresAt', 'is', null), eb('leaseExpiresAt', '<', claim.now)]))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Jobs a user asked to stop while this owner works on them. */
export function listCancelling(queries: Queries, owner: string): Promise<JobRow[]> {
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where(statusIn('status', runningStatuses))
    .where('status', '=', 'CANCELLING')
    .where('leaseOwner', '=', owner)
    .execute()
}

/** CREATED jobs whose uploads were never started in time (contract/api-behaviour.md §4: 8 hours). */
export function listAbandonedUploads(queries: Queries, createdBefore: number): Promise<JobRow[]> {
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where(statusIn('status', waitingStatuses))
    .where('status', '=', 'CREATED')
    .where('createdAt', '<', createdBefore)
    .execute()
}

export type JobChange = Partial<
  Pick<
    JobRow,
    | 'status'
    | 'statusReason'
    | 'commitId'
    | 'commitMessage'
    | 'commitTime'
    | 'sourceUrl'
    | 'sourceUrlType'
    | 'startedAt'
    | 'endedAt'
    | 'leaseOwner'
    | 'leaseExpiresAt'
    | 'commandsStarted'
  >
>

/**
 * Changes the job if it is still in one of `from`: the condition and the change are one statement, so that of two
 * callers (a user's StopJob, the worker's SUCCEED) one wins. Undefined when the job has moved on or is gone.
 * @param owner only while this worker holds the job
 */
export function changeJob(
  queries: Queries,
  jobKey: string,
  from: readonly JobStatus[],
  change: JobChange,
  owner?: string,
): Promise<JobRow | undefined> {
  return queries
    .updateTable('jobs')
    .set(change)
    .where('jobKey', '=', jobKey)
    .where('status', 'in', [...from])
    .$if(owner !== undefined, (query) => query.where('leaseOwner', '=', owner!))
    .returningAll()
    .executeTakeFirst()
}

/**
 * Deletes the job with its steps, uploads and artifacts if it is in one of `from`; false when it is not.
 * Its deployment is forgotten too unless it is the one that visitors see: that one stays, without a job.
 */
export async function deleteJob(
  transaction: Transaction,
  jobKey: string,
  from: readonly JobStatus[],
): Promise<boolean> {
  const deleted = await transaction
    .deleteFrom('jobs')
    .where('jobKey', '=', jobKey)
    .where('status', 'in', [...from])
    .returning(['branchId', 'deploymentId'])
    .executeTakeFirst()
  if (!deleted) return false
  // Holds the branch, so that no rollback makes the deployment live meanwhile.
  const branch = await transaction
    .updateTable('branches')
    .set((eb) => ({ jobCount: eb('jobCount', '-', 1) }))
    .where('branchId', '=', deleted.branchId)
    .returning('activeDeploymentId')
    .executeTakeFirst()
  if (branch?.activeDeploymentId === deleted.deploymentId) return true
  await transaction.deleteFrom('deployments').where('deploymentId', '=', deleted.deploymentId).execute()
  return true
}
