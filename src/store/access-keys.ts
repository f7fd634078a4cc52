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
export async function setAccessKeyEnabled(
  queries: Queries,
  accessKeyId: string,
  enabled: boolean,
): Promise<boolean> {
  const result = await queries
    .updateTable('accessKeys')
    .set({ enabled })
    .where('accessKeyId', '=', accessKeyId)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Returns whether the key exists. */
export async function setAccessKeyPolicies(
  queries: Queries,
  accessKeyId: string,
  policies: AccessKeyRow['policies'],
): Promise<boolean> {
  const result = await queries
    .updateTable('accessKeys')
    .set({ policies })
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
