import { type CreationPage, inCreationOrder } from './creation-order.ts'
import type { Queries, Transaction } from './database.ts'
import type { BranchRow } from './schema.ts'

/** Throws a unique violation when the app already has a branch of that name or display name. */
export async function insertBranch(queries: Queries, row: BranchRow): Promise<void> {
  await queries.insertInto('branches').values(row).execute()
}

/** The caller has checked that the app is the caller's own. */
export function findBranch(queries: Queries, appId: string, name: string): Promise<BranchRow | undefined> {
  return queries
    .selectFrom('branches')
    .selectAll()
    .where('appId', '=', appId)
    .where('name', '=', name)
    .executeTakeFirst()
}

export function findBranchById(queries: Queries, branchId: string): Promise<BranchRow | undefined> {
  return queries.selectFrom('branches').selectAll().where('branchId', '=', branchId).executeTakeFirst()
}

export function findBranchByDisplayName(
  queries: Queries,
  appId: string,
  displayName: string,
): Promise<BranchRow | undefined> {
  return queries
    .selectFrom('branches')
    .selectAll()
    .where('appId', '=', appId)
    .where('displayName', '=', displayName)
    .executeTakeFirst()
}

/** Branches in the order of their creation. */
export function listBranches(queries: Queries, appId: string, page: CreationPage): Promise<BranchRow[]> {
  const found = queries.selectFrom('branches').selectAll().where('appId', '=', appId)
  return inCreationOrder(found, 'branchId', page).execute()
}

export async function updateBranch(
  queries: Queries,
  branchId: string,
  change: Partial<
    Pick<BranchRow, 'displayName' | 'settings' | 'tags' | 'secrets' | 'basicAuth' | 'updatedAt'>
  >,
): Promise<void> {
  await queries.updateTable('branches').set(change).where('branchId', '=', branchId).execute()
}

/** Deletes the branch and, by the references, its jobs and deployments. */
export async function deleteBranch(queries: Queries, branchId: string): Promise<void> {
  await queries.deleteFrom('branches').where('branchId', '=', branchId).execute()
}

/** Allots the number of a job that is then inserted, and counts it. Numbers are never used again, whatever becomes of their jobs. */
export async function takeJobNumber(transaction: Transaction, branchId: string): Promise<number> {
  const row = await transaction
    .updateTable('branches')
    .set((eb) => ({ lastJobNumber: eb('lastJobNumber', '+', 1), jobCount: eb('jobCount', '+', 1) }))
    .where('branchId', '=', branchId)
    .returning('lastJobNumber')
    .executeTakeFirstOrThrow()
  return row.lastJobNumber
}
