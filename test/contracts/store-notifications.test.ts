import { describe, expect, test } from 'bun:test'

import { openDatabase } from '../../src/store/database.ts'
import {
  claimDueNotification,
  forgetNotifications,
  insertNotification,
  listNotifications,
  notifyOfEnd,
  settleNotification,
} from '../../src/store/notification-deliveries.ts'
import { insertNotificationTarget } from '../../src/store/notification-targets.ts'
import type { NotificationTargetRow } from '../../src/store/schema.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { storeFixture } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('notifications on %s', (_name, start) => {
  const store = storeFixture(start)
  let last = 0

  async function addTarget(
    appId: string,
    row: Partial<NotificationTargetRow> = {},
  ): Promise<NotificationTargetRow> {
    const target: NotificationTargetRow = {
      targetId: `target-${last++}`,
      appId,
      branchName: null,
      kind: 'webhook',
      address: 'sealed',
      secret: 'sealed',
      createdAt: 1,
      ...row,
    }
    await insertNotificationTarget(store.database.queries, target)
    return target
  }

  const deliveriesTo = ({ targetId }: NotificationTargetRow) =>
    listNotifications(store.database.queries, targetId, 100)

  test('of an end go to the targets of its app and branch, mail by the branch’s setting', async () => {
    const { database } = store
    const branch = await store.addBranch()
    const { appId } = branch
    const everywhere = await addTarget(appId)
    const here = await addTarget(appId, { branchName: 'main' })
    const elsewhere = await addTarget(appId, { branchName: 'other' })
    const mail = await addTarget(appId, { kind: 'email' })
    const foreign = await addTarget((await store.addApp()).appId)
    const job = await store.addJob({ branchId: branch.branchId, status: 'CANCELLED' })
    const end = (status: 'CANCELLED' | 'FAILED') =>
      database.transaction((transaction) => notifyOfEnd(transaction, { ...job, status }, 5_000_000))
    const counts = async () =>
      Promise.all(
        [everywhere, here, elsewhere, mail, foreign].map(async (each) => (await deliveriesTo(each)).length),
      )
    await end('FAILED')
    expect(await counts()).toEqual([1, 1, 0, 0, 0])
    const settings = { ...branch.settings, enableNotification: true }
    await database.queries
      .updateTable('branches')
      .set({ settings })
      .where('branchId', '=', branch.branchId)
      .execute()
    await end('CANCELLED')
    expect(await counts()).toEqual([2, 2, 0, 0, 0])
    await end('FAILED')
    expect(await counts()).toEqual([3, 3, 0, 1, 0])
    expect((await deliveriesTo(mail))[0]!.event).toMatchObject({
      time: '1970-01-01T01:23:20Z',
      detail: { appId, branchName: 'main', jobId: String(job.number), jobStatus: 'FAILED' },
    })
    await forgetNotifications(database.queries, 5_000_001)
    expect(await counts()).toEqual([0, 0, 0, 0, 0])
  })

  test('are each claimed by one of eight connections', async () => {
    const target = await addTarget((await store.addApp()).appId)
    const ids = Array.from({ length: 40 }, (_, number) => `delivery-${number}`)
    for (const deliveryId of ids) {
      const row = { deliveryId, targetId: target.targetId, event: {}, createdAt: 10 }
      await insertNotification(store.database.queries, row)
    }
    const connections = await Promise.all(Array.from({ length: 8 }, () => openDatabase(store.url)))
    try {
      const claimed = await Promise.all(
        connections.map(async (connection) => {
          const own: string[] = []
          for (let misses = 0; misses < 3;) {
            const claim = await claimDueNotification(connection, claimOf(20))
            if (claim) own.push(claim.delivery.deliveryId)
            else misses++
          }
          return own
        }),
      )
      expect(claimed.flat().toSorted()).toEqual(ids.toSorted())
      expect(await forgetNotifications(store.database.queries, 11)).toBe(40)
    } finally {
      await Promise.all(connections.map((connection) => connection.close()))
    }
  })

  test('are left to who claimed them until the lease ends, and settled by nobody else', async () => {
    const { queries } = store.database
    const target = await addTarget((await store.addApp()).appId)
    const row = { deliveryId: 'leased', targetId: target.targetId, event: {}, createdAt: 1000 }
    await insertNotification(queries, row)
    const first = await claimDueNotification(store.database, claimOf(1000))
    expect(first).toMatchObject({ target, delivery: { attempts: 1, nextAttemptAt: 1100 } })
    expect(await claimDueNotification(store.database, claimOf(1050, []))).toBeUndefined()
    expect(await claimDueNotification(store.database, claimOf(1100, [target.targetId]))).toBeUndefined()
    const second = await claimDueNotification(store.database, claimOf(1100))
    expect(second?.delivery.attempts).toBe(2)
    const delivered = { nextAttemptAt: null, deliveredAt: 1101, message: null }
    await settleNotification(queries, first!.delivery, delivered)
    expect((await deliveriesTo(target))[0]?.deliveredAt).toBeNull()
    await settleNotification(queries, second!.delivery, delivered)
    expect((await deliveriesTo(target))[0]).toMatchObject(delivered)
  })
})

const claimOf = (now: number, exceptTargets: string[] = []) => ({
  now,
  leaseExpiresAt: now + 100,
  exceptTargets,
})
