import type { Queries } from './database.ts'
import type { NotificationTargetRow } from './schema.ts'

export async function insertNotificationTarget(queries: Queries, row: NotificationTargetRow): Promise<void> {
  await queries.insertInto('notificationTargets').values(row).execute()
}

/** The caller has checked that the app is the caller's own. */
export function findNotificationTarget(
  queries: Queries,
  appId: string,
  targetId: string,
): Promise<NotificationTargetRow | undefined> {
  return queries
    .selectFrom('notificationTargets')
    .selectAll()
    .where('targetId', '=', targetId)
    .where('appId', '=', appId)
    .executeTakeFirst()
}

/** In the order of their creation; an app has few. */
export function listNotificationTargets(queries: Queries, appId: string): Promise<NotificationTargetRow[]> {
  return queries
    .selectFrom('notificationTargets')
    .selectAll()
    .where('appId', '=', appId)
    .orderBy('createdAt')
    .orderBy('targetId')
    .execute()
}

/** Deletes the target and, by the reference, what was to be delivered to it. */
export async function deleteNotificationTarget(queries: Queries, targetId: string): Promise<void> {
  await queries.deleteFrom('notificationTargets').where('targetId', '=', targetId).execute()
}
