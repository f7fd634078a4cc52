import type { Database, Queries } from './database.ts'

/** Makes what edges know of the credentials in a row's sealed secrets: empty where there are none, undefined for a row to leave alone. */
export type BasicAuthOf = (sealedSecrets: string) => string | undefined

/**
 * Fills the column `basicAuth` of apps and branches that a version wrote which did not know it (migration 0007): their credentials
 * are in the sealed `secrets` alone, which edges cannot read, so that nobody would pass.
 * @returns how many rows were filled
 */
export async function fillBasicAuth({ queries }: Database, basicAuthOf: BasicAuthOf): Promise<number> {
  const apps = await fillTable(queries, { table: 'apps', id: 'appId' }, basicAuthOf)
  return apps + (await fillTable(queries, { table: 'branches', id: 'branchId' }, basicAuthOf))
}

async function fillTable(
  queries: Queries,
  { table, id }: { table: 'apps'; id: 'appId' } | { table: 'branches'; id: 'branchId' },
  basicAuthOf: BasicAuthOf,
): Promise<number> {
  const rows = await queries
    .selectFrom(table)
    .select([`${id} as key`, 'secrets'])
    .where('basicAuth', 'is', null)
    .where('secrets', 'is not', null)
    .execute()
  let filled = 0
  for (const { key, secrets } of rows) {
    const basicAuth = basicAuthOf(secrets!)
    if (basicAuth === undefined) continue
    // Another server may have changed them meanwhile.
    const row = queries.updateTable(table).where(id, '=', key).where('basicAuth', 'is', null)
    filled += Number((await row.set({ basicAuth }).executeTakeFirst()).numUpdatedRows)
  }
  return filled
}
