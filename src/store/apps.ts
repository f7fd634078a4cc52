import type { Scope } from '../model/arn.ts'
import { type CreationPage, inCreationOrder } from './creation-order.ts'
import type { Queries } from './database.ts'
import type { AppRow } from './schema.ts'

export async function insertApp(queries: Queries, row: AppRow): Promise<void> {
  await queries.insertInto('apps').values(row).execute()
}

/** The app of that id in this account and region; another account's app is as unknown as none. */
export function findApp(queries: Queries, scope: Scope, appId: string): Promise<AppRow | undefined> {
  return queries
    .selectFrom('apps')
    .selectAll()
    .where('appId', '=', appId)
    .where('accountId', '=', scope.accountId)
    .where('region', '=', scope.region)
    .executeTakeFirst()
}

/** For the worker and the edge, which act for the server and not for a caller. */
export function findAppById(queries: Queries, appId: string): Promise<AppRow | undefined> {
  return queries.selectFrom('apps').selectAll().where('appId', '=', appId).executeTakeFirst()
}

const idsAtOnce = 500

/** Which of these apps exist, whosever they are. */
export async function listKnownAppIds(queries: Queries, appIds: Iterable<string>): Promise<Set<string>> {
  const known = new Set<string>()
  const asked = [...appIds]
  for (let at = 0; at < asked.length; at += idsAtOnce) {
    const rows = await queries
      .selectFrom('apps')
      .select('appId')
      .where('appId', 'in', asked.slice(at, at + idsAtOnce))
      .execute()
    for (const { appId } of rows) known.add(appId)
  }
  return known
}

/** Apps in the order of their creation. */
export function listApps(queries: Queries, scope: Scope, page: CreationPage): Promise<AppRow[]> {
  const found = queries
    .selectFrom('apps')
    .selectAll()
    .where('accountId', '=', scope.accountId)
    .where('region', '=', scope.region)
  return inCreationOrder(found, 'appId', page).execute()
}

export async function updateApp(
  queries: Queries,
  appId: string,
  change: Partial<
    Pick<AppRow, 'name' | 'settings' | 'tags' | 'secrets' | 'basicAuth' | 'options' | 'updatedAt'>
  >,
): Promise<void> {
  await queries.updateTable('apps').set(change).where('appId', '=', appId).execute()
}

/** Deletes the app and, by the references, all that belongs to it. */
export async function deleteApp(queries: Queries, appId: string): Promise<void> {
  await queries.deleteFrom('apps').where('appId', '=', appId).execute()
}
