import type { Database } from './database.ts'

/** Makes what edges know of the credentials in a row's sealed secrets: empty where there are none, undefined for a row to leave alone. */
export type BasicAuthOf = (sealedSecrets: string) => string | undefined

/**
 * Fills the column `basicAuth` of apps and branches that a version wrote which did not know it (migration 0007): their credentials
 * are in the sealed `secrets` alone, which edges cannot read, so that nobody would pass.
 * @returns how many rows were filled
 */
export async function fillBasicAuth({ queries }: Database, basicAuthOf: BasicAuthOf): Promise<number> {
  let filled = 0
  const apps = await queries
    .selectFrom('apps')
    .select(['appId', 'secrets'])
    .where('basicAuth', 'is', null)
    .where('secrets', 'is not', null)
    .execute()
  for (const { appId, secrets } of apps) {
    const basicAuth = basicAuthOf(secrets!)
    if (basicAuth === undefined) continue
    // Another server may have changed them meanwhile.
    const row = queries.updateTable('apps').where('appId', '=', appId).where('basicAuth', 'is', null)
    filled += Number((await row.set({ basicAuth }).executeTakeFirst()).numUpdatedRows)
  }
  const branches = await queries
    .selectFrom('branches')
    .select(['branchId', 'secrets'])
    .where('basicAuth', 'is', null)
    .where('secrets', 'is not', null)
    .execute()
  for (const { branchId, secrets } of branches) {
    const basicAuth = basicAuthOf(secrets!)
    if (basicAuth === undefined) continue
    const row = queries
      .updateTable('branches')
      .where('branchId', '=', branchId)
      .where('basicAuth', 'is', null)
    filled += Number((await row.set({ basicAuth }).executeTakeFirst()).numUpdatedRows)
  }
  return filled
}
