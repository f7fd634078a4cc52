import { describe, expect, test } from 'bun:test'

import { insertBranch } from '../../src/store/branches.ts'
import { openDatabase } from '../../src/store/database.ts'
import { countAppCreation, countPartsOfApp } from '../../src/store/quotas.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { branchRow } from '../support/rows.ts'
import { storeFixture } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('quotas on %s', (_name, start) => {
  const store = storeFixture(start)
  const creation = (now: number, accountId = '000000000000') =>
    store.database.transaction((transaction) => countAppCreation(transaction, accountId, now))
  const hourMilliseconds = 3600 * 1000

  test('of calls at once, on several connections, each counts what those before it have added', async () => {
    const { appId } = await store.addApp()
    const connections = await Promise.all([1, 2, 3, 4].map(() => openDatabase(store.url)))
    const counts = await Promise.all(
      Array.from({ length: 12 }, (_each, index) =>
        connections[index % 4]!.transaction(async (transaction) => {
          const count = await countPartsOfApp(transaction, appId, 'branches')
          await insertBranch(transaction, branchRow(appId, { name: `b${index}` }))
          return count
        }),
      ),
    )
    await Promise.all(connections.map((database) => database.close()))
    expect(counts.toSorted((a, b) => a! - b!)).toEqual(Array.from({ length: 12 }, (_each, index) => index))
  }, 20_000)

  test('nothing is counted of an app that is gone', async () => {
    const count = store.database.transaction((transaction) =>
      countPartsOfApp(transaction, 'dgone', 'webhooks'),
    )
    expect(await count).toBeUndefined()
  })

  test('creations are counted by account for an hour, which begins with the first', async () => {
    const atOnce = await Promise.all([creation(1000), creation(1000), creation(1000)])
    expect(atOnce.toSorted()).toEqual([1, 2, 3])
    expect(await creation(1000, '111111111111')).toBe(1)
    expect(await creation(1000 + hourMilliseconds - 1)).toBe(4)
    expect(await creation(1000 + hourMilliseconds)).toBe(1)
    expect(await creation(1000 + hourMilliseconds + 1)).toBe(2)
  })
})
