import type { Queries } from './database.ts'
import type { AccessKeyRow } from './schema.ts'

export async function insertAccessKey(queries: Queries, row: AccessKeyRow): Promise<void> {
  await queries.insertInto('accessKeys').values(row).execute()
}

export function findAccessKey(queries: Queries, accessKeyId: string): Promise<AccessKeyRow | undefined> {
  return queries
    .selectFrom('accessKeys')
    .selectAll()
    .where('accessKeyId', '=', accessKeyId)
    .executeTakeFirst()
}

export function listAccessKeys(queries: Queries): Promise<AccessKeyRow[]> {
  return queries.selectFrom('accessKeys').selectAll().orderBy('createdAt').orderBy('accessKeyId').execute()
}

/** Returns whether the key exists. */
export async function changeAccessKey(
  queries: Queries,
  accessKeyId: string,
  change: Partial<Pick<AccessKeyRow, 'enabled' | 'policies'>>,
): Promise<boolean> {
  const result = await queries
    .updateTable('accessKeys')
    .set(change)
    .where('accessKeyId', '=', accessKeyId)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Returns whether the key existed. */
export async function deleteAccessKey(queries: Queries, accessKeyId: string): Promise<boolean> {
  const result = await queries
    .deleteFrom('accessKeys')
    .where('accessKeyId', '=', accessKeyId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}
