import { deploymentEvent } from '../model/deployment-event.ts'
import { newOrderedId } from '../model/ids.ts'
import { findAppById } from './apps.ts'
import { findBranchById } from './branches.ts'
import type { Database, Queries, Transaction } from './database.ts'
import { listNotificationTargets } from './notification-targets.ts'
import type { JobRow, NotificationDeliveryRow, NotificationTargetRow } from './schema.ts'

/**
 * Leaves word of a job's end to whoever is to be told: a webhook of every end, an e-mail address of success and failure on
 * branches with `enableNotification` (contract/hosting-behaviour.md §8.4). In the transaction that ends the job, so that
 * nobody is told of what did not happen, and nothing that happened is forgotten by a crash.
 * @param job as it has ended
 */
export async function notifyOfEnd(transaction: Transaction, job: JobRow, now: number): Promise<void> {
  const branch = await findBranchById(transaction, job.branchId)
  const targets = branch ? await listNotificationTargets(transaction, branch.appId) : []
  if (!branch || targets.length === 0) return
  const app = await findAppById(transaction, branch.appId)
  const wantsMail = branch.settings.enableNotification && job.status !== 'CANCELLED'
  for (const { targetId, branchName, kind } of targets) {
    if (!app || (branchName !== null && branchName !== branch.name)) continue
    if (kind === 'email' && !wantsMail) continue
    const id = newOrderedId()
    const event = deploymentEvent(app, {
      id,
      appId: app.appId,
      branchName: branch.name,
      jobNumber: job.number,
      jobStatus: job.status,
      now,
    })
    await insertNotification(transaction, { deliveryId: id, targetId, event: { ...event }, createdAt: now })
  }
}

/** Adds a delivery that is due at once. */
export async function insertNotification(
  queries: Queries,
  row: Pick<NotificationDeliveryRow, 'deliveryId' | 'targetId' | 'event' | 'createdAt'>,
): Promise<void> {
  await queries
    .insertInto('notificationDeliveries')
    .values({ ...row, attempts: 0, nextAttemptAt: row.createdAt, deliveredAt: null, message: null })
    .execute()
}

/** A target's deliveries, newest first. */
export function listNotifications(
  queries: Queries,
  targetId: string,
  limit: number,
): Promise<NotificationDeliveryRow[]> {
  return queries
    .selectFrom('notificationDeliveries')
    .selectAll()
    .where('targetId', '=', targetId)
    .orderBy('createdAt', 'desc')
    .orderBy('deliveryId', 'desc')
    .limit(limit)
    .execute()
}

/** A delivery that one process attempts until its lease ends. */
export interface ClaimedNotification {
  delivery: NotificationDeliveryRow
  target: NotificationTargetRow
}

/**
 * Claims the delivery that is due first, in one statement, and counts the attempt. Undefined when none is due, but for those
 * of the targets that are left out.
 */
export async function claimDueNotification(
  { queries, kind }: Pick<Database, 'queries' | 'kind'>,
  claim: { now: number; leaseExpiresAt: number; exceptTargets: readonly string[] },
): Promise<ClaimedNotification | undefined> {
  const delivery = await queries
    .updateTable('notificationDeliveries')
    .set((eb) => ({ nextAttemptAt: claim.leaseExpiresAt, attempts: eb('attempts', '+', 1) }))
    .where('deliveryId', '=', (eb) => {
      const due = eb
        .selectFrom('notificationDeliveries as due')
        .select('due.deliveryId')
        .where('due.nextAttemptAt', '<=', claim.now)
        .$if(claim.exceptTargets.length > 0, (of) =>
          of.where('due.targetId', 'not in', [...claim.exceptTargets]),
        )
        .orderBy('due.nextAttemptAt')
        .limit(1)
      return kind === 'postgres' ? due.forUpdate().skipLocked() : due
    })
    .returningAll()
    .executeTakeFirst()
  if (!delivery) return undefined
  const target = await queries
    .selectFrom('notificationTargets')
    .selectAll()
    .where('targetId', '=', delivery.targetId)
    .executeTakeFirst()
  // Deleted in between, and its deliveries with it.
  return target && { delivery, target }
}

/** Stores how an attempt ended, unless its lease ended before and another one was begun. */
export async function settleNotification(
  queries: Queries,
  { deliveryId, nextAttemptAt }: NotificationDeliveryRow,
  change: Pick<NotificationDeliveryRow, 'nextAttemptAt' | 'deliveredAt' | 'message'>,
): Promise<void> {
  await queries
    .updateTable('notificationDeliveries')
    .set(change)
    .where('deliveryId', '=', deliveryId)
    .where('nextAttemptAt', '=', nextAttemptAt)
    .execute()
}

/** @returns how many were forgotten */
export async function forgetNotifications(queries: Queries, createdBefore: number): Promise<number> {
  const result = await queries
    .deleteFrom('notificationDeliveries')
    .where('createdAt', '<', createdBefore)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
