import type { Queries } from './database.ts'
import type { BuildSecretRow } from './schema.ts'

export type BuildSecretScope = Pick<BuildSecretRow, 'appId' | 'branchName'>

/** Adds a secret or replaces its value. */
export async function setBuildSecret(queries: Queries, row: BuildSecretRow): Promise<void> {
  const { value, updatedAt } = row
  await queries
    .insertInto('buildSecrets')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['appId', 'branchName', 'name']).doUpdateSet({ value, updatedAt }),
    )
    .execute()
}

/** The secrets of an app, those of all branches first. */
export function listBuildSecrets(queries: Queries, appId: string): Promise<BuildSecretRow[]> {
  return queries
    .selectFrom('buildSecrets')
    .selectAll()
    .where('appId', '=', appId)
    .orderBy('branchName')
    .orderBy('name')
    .execute()
}

/** What a build of the branch gets: the secrets of all branches, then those of its own. */
export function findBuildSecrets(
  queries: Queries,
  { appId, branchName }: BuildSecretScope,
): Promise<BuildSecretRow[]> {
  return queries
    .selectFrom('buildSecrets')
    .selectAll()
    .where('appId', '=', appId)
    .where('branchName', 'in', ['', branchName])
    .orderBy('branchName')
    .orderBy('name')
    .execute()
}

/** False when there is none of this name. */
export async function deleteBuildSecret(
  queries: Queries,
  { appId, branchName, name }: BuildSecretScope & { name: string },
): Promise<boolean> {
  const result = await queries
    .deleteFrom('buildSecrets')
    .where('appId', '=', appId)
    .where('branchName', '=', branchName)
    .where('name', '=', name)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Deletes what was set for one branch. */
export async function deleteBranchSecrets(
  queries: Queries,
  { appId, branchName }: BuildSecretScope,
): Promise<void> {
  await queries
    .deleteFrom('buildSecrets')
    .where('appId', '=', appId)
    .where('branchName', '=', branchName)
    .execute()
}
