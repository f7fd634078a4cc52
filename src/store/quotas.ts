import { sql } from 'kysely'

import type { Queries, Transaction } from './database.ts'

/** An hour begins with the first app that is created in it, so that one row for each account is enough. */
const hourMilliseconds = 3600 * 1000

/**
 * Counts the creation of an app, and returns how many there were in this hour, this one included. It holds the count
 * until the transaction ends: of two creations at once, in whatever regions of one account, the second sees the first.
 */
export async function countAppCreation(
  transaction: Transaction,
  accountId: string,
  now: number,
): Promise<number> {
  const isOver = sql<boolean>`"appCreations"."hourStartedAt" <= ${now - hourMilliseconds}`
  const { count } = await transaction
    .insertInto('appCreations')
    .values({ accountId, hourStartedAt: now, count: 1 })
    .onConflict((conflict) =>
      conflict.column('accountId').doUpdateSet({
        count: sql<number>`case when ${isOver} then 1 else "appCreations"."count" + 1 end`,
        hourStartedAt: sql<number>`case when ${isOver} then excluded."hourStartedAt" else "appCreations"."hourStartedAt" end`,
      }),
    )
    .returning('count')
    .executeTakeFirstOrThrow()
  return count
}

/** Of all regions: a region is any name that a client signs for. */
export async function countApps(queries: Queries, accountId: string): Promise<number> {
  const { count } = await queries
    .selectFrom('apps')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('accountId', '=', accountId)
    .executeTakeFirstOrThrow()
  return count
}

/** What an app has many of. */
export type AppPart = 'branches' | 'webhooks' | 'domainAssociations' | 'backendEnvironments'

/**
 * Counts what an app has, and holds the app until the transaction ends: of two calls that add to it, the second sees
 * what the first has added. Undefined when the app is gone.
 */
export async function countPartsOfApp(
  transaction: Transaction,
  appId: string,
  part: AppPart,
): Promise<number | undefined> {
  if (!(await holdApp(transaction, appId))) return undefined
  const { count } = await transaction
    .selectFrom(part)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('appId', '=', appId)
    .executeTakeFirstOrThrow()
  return count
}

/** Holds the app until the transaction ends, by a change that changes nothing. False when it is gone. */
export async function holdApp(transaction: Transaction, appId: string): Promise<boolean> {
  const held = await transaction
    .updateTable('apps')
    .set((eb) => ({ updatedAt: eb.ref('updatedAt') }))
    .where('appId', '=', appId)
    .returning('appId')
    .executeTakeFirst()
  return held !== undefined
}
