import { type CreationPage, inCreationOrder } from './creation-order.ts'
import type { Queries } from './database.ts'
import type { BackendEnvironmentRow } from './schema.ts'

/** Throws a unique violation when the app already has an environment of that name. */
export async function insertBackendEnvironment(queries: Queries, row: BackendEnvironmentRow): Promise<void> {
  await queries.insertInto('backendEnvironments').values(row).execute()
}

/** The caller has checked that the app is the caller's own. */
export function findBackendEnvironment(
  queries: Queries,
  appId: string,
  name: string,
): Promise<BackendEnvironmentRow | undefined> {
  return queries
    .selectFrom('backendEnvironments')
    .selectAll()
    .where('appId', '=', appId)
    .where('name', '=', name)
    .executeTakeFirst()
}

/** Environments of an app in the order of their creation. */
export function listBackendEnvironments(
  queries: Queries,
  appId: string,
  page: CreationPage,
): Promise<BackendEnvironmentRow[]> {
  const found = queries.selectFrom('backendEnvironments').selectAll().where('appId', '=', appId)
  return inCreationOrder(found, 'backendEnvironmentId', page).execute()
}

/** The environment as it was; undefined when there is none of that name. */
export function deleteBackendEnvironment(
  queries: Queries,
  appId: string,
  name: string,
): Promise<BackendEnvironmentRow | undefined> {
  return queries
    .deleteFrom('backendEnvironments')
    .where('appId', '=', appId)
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst()
}
