import { sql } from 'kysely'

import { codeOf } from '../model/error-code.ts'
import { finishedStatuses, type JobStatus, type StepName } from '../model/jobs.ts'
import type { Database, Queries } from './database.ts'
import { listExpiredLeases } from './jobs.ts'

/** Whether SQLite itself gave up on its file: it is damaged, or no database at all. */
export function isDamagedDatabase(error: unknown): error is Error {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error) ?? '')
}

/** A row as its user knows it. */
export interface BranchName {
  appId: string
  branchName: string
}

/** What the database says is wrong with its own file; nothing where that is PostgreSQL's own affair. */
export async function checkDatabaseFile({ queries, kind }: Database): Promise<string[]> {
  if (kind === 'postgres') return []
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(queries)
  const { rows: orphans } = await sql<{ table: string; parent: string }>`pragma foreign_key_check`.execute(
    queries,
  )
  return [
    ...rows.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
    ...orphans.map(
      ({ table, parent }) => `a row of ${table} refers to a row of ${parent} that does not exist`,
    ),
  ]
}

export interface StalePointer extends BranchName {
  branchId: string
  activeDeploymentId: string
}

/** Branches whose pointer names no deployment of theirs: visitors see nothing. */
export async function listStalePointers(queries: Queries): Promise<StalePointer[]> {
  const rows = await queries
    .selectFrom('branches')
    .leftJoin('deployments', (join) =>
      join
        .onRef('deployments.deploymentId', '=', 'branches.activeDeploymentId')
        .onRef('deployments.branchId', '=', 'branches.branchId'),
    )
    .select(['branches.branchId', 'branches.appId', 'branches.name as branchName', 'activeDeploymentId'])
    .where('activeDeploymentId', 'is not', null)
    .where('deployments.deploymentId', 'is', null)
    .execute()
  return rows.map((row) => ({ ...row, activeDeploymentId: row.activeDeploymentId! }))
}

/** Clears the pointer if it still names what it named; false when it has moved. */
export async function clearPointer(
  queries: Queries,
  { branchId, activeDeploymentId }: Pick<StalePointer, 'branchId' | 'activeDeploymentId'>,
): Promise<boolean> {
  const result = await queries
    .updateTable('branches')
    .set({ activeDeploymentId: null })
    .where('branchId', '=', branchId)
    .where('activeDeploymentId', '=', activeDeploymentId)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export interface NamedJob extends BranchName {
  jobKey: string
  number: number
  status: JobStatus
}

/** Running jobs that no worker has renewed its lease on in time. */
export async function listJobsWithoutWorker(queries: Queries, now: number): Promise<NamedJob[]> {
  const expired = await listExpiredLeases(queries, now)
  if (expired.length === 0) return []
  const names = await queries
    .selectFrom('branches')
    .select(['branchId', 'appId', 'name'])
    .where(
      'branchId',
      'in',
      expired.map((job) => job.branchId),
    )
    .execute()
  return expired.flatMap(({ jobKey, number, status, branchId }) => {
    const branch = names.find((row) => row.branchId === branchId)
    return branch ? [{ jobKey, number, status, appId: branch.appId, branchName: branch.name }] : []
  })
}

export interface OpenStep extends NamedJob {
  step: StepName
  jobEndedAt: number | null
}

/** Steps without an end in jobs that have one. */
export async function listOpenStepsOfFinishedJobs(queries: Queries): Promise<OpenStep[]> {
  const rows = await queries
    .selectFrom('steps')
    .innerJoin('jobs', 'jobs.jobKey', 'steps.jobKey')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .select([
      'jobs.jobKey',
      'jobs.number',
      'jobs.status',
      'jobs.endedAt',
      'branches.appId',
      'branches.name as branchName',
      'steps.name as step',
    ])
    .where('jobs.status', 'in', [...finishedStatuses])
    .where('steps.endedAt', 'is', null)
    .execute()
  return rows.map(({ endedAt, ...row }) => ({ ...row, jobEndedAt: endedAt }))
}

/** What the master key must open, with the name of who would miss it. */
export async function listSealedSecrets(queries: Queries): Promise<{ sealed: string; owner: string }[]> {
  const keys = await queries.selectFrom('accessKeys').select(['accessKeyId', 'secret']).execute()
  const apps = await queries.selectFrom('apps').select(['appId', 'secrets']).execute()
  const branches = await queries.selectFrom('branches').select(['appId', 'name', 'secrets']).execute()
  const webhooks = await queries.selectFrom('webhooks').select(['appId', 'webhookId', 'token']).execute()
  const builds = await queries
    .selectFrom('buildSecrets')
    .select(['appId', 'branchName', 'name', 'value'])
    .execute()
  const caches = await queries.selectFrom('environmentCaches').select(['branchId', 'variables']).execute()
  const sealed = [
    ...keys.map((row) => ({ sealed: row.secret, owner: `access key ${row.accessKeyId}` })),
    ...apps.map((row) => ({ sealed: row.secrets, owner: `app ${row.appId}` })),
    ...branches.map((row) => ({ sealed: row.secrets, owner: `app ${row.appId}, branch ${row.name}` })),
    ...webhooks.map((row) => ({ sealed: row.token, owner: `app ${row.appId}, webhook ${row.webhookId}` })),
    ...builds.map((row) => ({
      sealed: row.value,
      owner: `app ${row.appId}, ${row.branchName === '' ? '' : `branch ${row.branchName}, `}secret ${row.name}`,
    })),
    ...caches.map((row) => ({
      sealed: row.variables,
      owner: `the environment cache of branch ${row.branchId}`,
    })),
  ]
  return sealed.flatMap((row) => (row.sealed === null ? [] : [{ sealed: row.sealed, owner: row.owner }]))
}
