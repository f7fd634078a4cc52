import { sql } from 'kysely'

import { cutBeginning, type JobAddress, permanentLabel } from '../model/permanent-address.ts'
import { findAppById } from './apps.ts'
import type { Queries, Transaction } from './database.ts'
import type { AppRow, BranchRow, DeploymentRow } from './schema.ts'

export async function insertDeployment(queries: Queries, row: DeploymentRow): Promise<void> {
  await queries.insertInto('deployments').values(row).execute()
}

export function findDeployment(queries: Queries, deploymentId: string): Promise<DeploymentRow | undefined> {
  return queries
    .selectFrom('deployments')
    .selectAll()
    .where('deploymentId', '=', deploymentId)
    .executeTakeFirst()
}

export function findDeploymentOfJob(queries: Queries, jobKey: string): Promise<DeploymentRow | undefined> {
  return queries.selectFrom('deployments').selectAll().where('jobKey', '=', jobKey).executeTakeFirst()
}

/**
 * Moves the branch's pointer: from this statement's commit on, visitors see the deployment. The one that was live stays,
 * so that the pointer can be moved back; others whose jobs have been deleted are forgotten.
 */
export async function activateDeployment(
  transaction: Transaction,
  branchId: string,
  deploymentId: string,
  now: number,
): Promise<void> {
  await forgetJoblessDeployments(transaction, branchId)
  await transaction
    .updateTable('deployments')
    .set({ replacedAt: now })
    .where('deploymentId', '=', (eb) =>
      eb.selectFrom('branches').select('activeDeploymentId').where('branchId', '=', branchId),
    )
    .execute()
  await markLive(transaction, deploymentId)
  await transaction
    .updateTable('branches')
    .set({ activeDeploymentId: deploymentId, updatedAt: now })
    .where('branchId', '=', branchId)
    .execute()
}

async function markLive(transaction: Transaction, deploymentId: string): Promise<void> {
  await transaction
    .updateTable('deployments')
    .set({ replacedAt: null })
    .where('deploymentId', '=', deploymentId)
    .execute()
}

/** Forgets deployments whose jobs have been deleted, but for the one that visitors see. */
export async function forgetJoblessDeployments(queries: Queries, branchId: string): Promise<void> {
  await queries
    .deleteFrom('deployments')
    .where('branchId', '=', branchId)
    .where('jobKey', 'is', null)
    .where('deploymentId', 'not in', (eb) =>
      eb
        .selectFrom('branches')
        .select(sql<string>`coalesce("activeDeploymentId", '')`.as('deploymentId'))
        .where('branchId', '=', branchId),
    )
    .execute()
}

/**
 * Moves the branch's pointer back from a deployment that turned out bad, and forgets that one; false when it is not the
 * live one any more or the earlier one is gone.
 * @param previousDeploymentId null when nothing was live before
 */
export async function deactivateDeployment(
  transaction: Transaction,
  branchId: string,
  deploymentId: string,
  previousDeploymentId: string | null,
  now: number,
): Promise<boolean> {
  if (previousDeploymentId !== null && !(await findDeployment(transaction, previousDeploymentId)))
    return false
  const result = await transaction
    .updateTable('branches')
    .set({ activeDeploymentId: previousDeploymentId, updatedAt: now })
    .where('branchId', '=', branchId)
    .where('activeDeploymentId', '=', deploymentId)
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) return false
  if (previousDeploymentId !== null) await markLive(transaction, previousDeploymentId)
  await transaction.deleteFrom('deployments').where('deploymentId', '=', deploymentId).execute()
  return true
}

/**
 * Deployments of a branch that were live after that time and are no more, the last one first. Those of deleted jobs are not
 * among them: they are out of service.
 * @param since epoch milliseconds
 */
export function listReplacedDeployments(
  queries: Queries,
  branchId: string,
  { since, limit }: { since: number; limit: number },
): Promise<DeploymentRow[]> {
  return queries
    .selectFrom('deployments')
    .selectAll()
    .where('branchId', '=', branchId)
    .where('replacedAt', '>', since)
    .where('jobKey', 'is not', null)
    .orderBy('replacedAt', 'desc')
    .limit(limit)
    .execute()
}

/** What a host shows: the app, the branch, and the deployment its pointer names. */
export interface SiteRow {
  app: AppRow
  branch: BranchRow
  deployment: DeploymentRow | undefined
}

/** Finds the site of `<displayName>.<appId>`; undefined for a host that is nobody's. */
export function findSite(queries: Queries, appId: string, displayName: string): Promise<SiteRow | undefined> {
  return readSite(queries, appId, 'displayName', displayName)
}

/** Finds what shows the branch; undefined for one that does not exist. */
export function findSiteOfBranch(
  queries: Queries,
  appId: string,
  branchName: string,
): Promise<SiteRow | undefined> {
  return readSite(queries, appId, 'name', branchName)
}

/**
 * Finds what the permanent address of a job shows: its branch, with its deployment instead of the live one. That is undefined
 * where the job has none or is gone; all of it is undefined where there is no such branch.
 */
export async function findSiteOfJob(
  queries: Queries,
  appId: string,
  { branch, jobNumber }: JobAddress,
): Promise<SiteRow | undefined> {
  const site =
    (await findSite(queries, appId, branch)) ?? (await findSiteOfCut(queries, appId, { branch, jobNumber }))
  if (!site) return undefined
  const deployment = await queries
    .selectFrom('jobs')
    .innerJoin('deployments', 'deployments.jobKey', 'jobs.jobKey')
    .selectAll('deployments')
    .where('jobs.branchId', '=', site.branch.branchId)
    .where('jobs.number', '=', jobNumber)
    .executeTakeFirst()
  return { ...site, deployment }
}

/** Of a branch whose display name was cut to make the address. */
async function findSiteOfCut(
  queries: Queries,
  appId: string,
  { branch, jobNumber }: JobAddress,
): Promise<SiteRow | undefined> {
  const beginning = cutBeginning(branch)
  if (beginning === undefined) return undefined
  const rows = await queries
    .selectFrom('branches')
    .select('displayName')
    .where('appId', '=', appId)
    .where('displayName', '>=', beginning)
    .where('displayName', '<', `${beginning}~`)
    .execute()
  const label = permanentLabel(branch, jobNumber)
  const cut = rows.find(({ displayName }) => permanentLabel(displayName, jobNumber) === label)
  return cut && findSite(queries, appId, cut.displayName)
}

/** Pointer and deployment are read in one statement: between two, the deployment that the first saw could be forgotten. */
async function readSite(
  queries: Queries,
  appId: string,
  column: 'displayName' | 'name',
  value: string,
): Promise<SiteRow | undefined> {
  const row = await queries
    .selectFrom('branches')
    .leftJoin('deployments', 'deployments.deploymentId', 'branches.activeDeploymentId')
    .selectAll('branches')
    .select([
      'deploymentId',
      'jobKey',
      'manifestSha',
      'files',
      'bytes',
      'deployments.createdAt as deployedAt',
      'replacedAt',
      'skewProtected',
    ])
    .where('appId', '=', appId)
    .where(column, '=', value)
    .executeTakeFirst()
  if (!row) return undefined
  const app = await findAppById(queries, appId)
  if (!app) return undefined
  const {
    deploymentId,
    jobKey,
    manifestSha,
    files,
    bytes,
    deployedAt,
    replacedAt,
    skewProtected,
    ...branch
  } = row
  const deployment =
    deploymentId === null
      ? undefined
      : ({
          deploymentId,
          branchId: branch.branchId,
          jobKey,
          manifestSha,
          files,
          bytes,
          createdAt: deployedAt,
          replacedAt,
          skewProtected,
        } as DeploymentRow)
  return { app, branch, deployment }
}
