import type { Queries } from './database.ts'
import type { EnvironmentCacheRow } from './schema.ts'

export function findEnvironmentCache(
  queries: Queries,
  branchId: string,
): Promise<EnvironmentCacheRow | undefined> {
  return queries
    .selectFrom('environmentCaches')
    .selectAll()
    .where('branchId', '=', branchId)
    .executeTakeFirst()
}

/** Replaces what was kept. Throws when the branch is gone: the caller holds one of its jobs. */
export async function saveEnvironmentCache(queries: Queries, row: EnvironmentCacheRow): Promise<void> {
  const { variables, updatedAt } = row
  await queries
    .insertInto('environmentCaches')
    .values(row)
    .onConflict((conflict) => conflict.column('branchId').doUpdateSet({ variables, updatedAt }))
    .execute()
}
