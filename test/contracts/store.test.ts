import { describe, expect, test } from 'bun:test'

import { findAppById, insertApp, updateApp } from '../../src/store/apps.ts'
import { takeJobNumber } from '../../src/store/branches.ts'
import { openDatabase } from '../../src/store/database.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { appRow } from '../support/rows.ts'
import { storeFixture, violation } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('the store on %s', (_name, start) => {
  const store = storeFixture(start)

  describe('a transaction', () => {
    test('is undone when its work throws', async () => {
      const app = appRow()
      const failure = new Error('changed my mind')
      const work = store.database.transaction(async (tx) => {
        await insertApp(tx, app)
        throw failure
      })
      await expect(work).rejects.toBe(failure)
      expect(await findAppById(store.database.queries, app.appId)).toBeUndefined()
    })

    test('is undone when the database refuses a part of it, and leaves the connection in order', async () => {
      const app = appRow()
      const work = store.database.transaction(async (tx) => {
        await insertApp(tx, app)
        await insertApp(tx, app)
      })
      expect(await violation(work)).toBe('unique')
      expect(await findAppById(store.database.queries, app.appId)).toBeUndefined()
      await insertApp(store.database.queries, app)
      expect(await findAppById(store.database.queries, app.appId)).toEqual(app)
    })

    test('of many at once are done one after the other', async () => {
      const { branchId } = await store.addBranch()
      const numbers = await Promise.all(
        Array.from({ length: 40 }, () => store.database.transaction((tx) => takeJobNumber(tx, branchId))),
      )
      expect(numbers.toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: 40 }, (_, index) => index + 1),
      )
    })
  })

  describe('the change token', () => {
    test('stays while nothing is committed and changes with every commit of another', async () => {
      const reader = await openDatabase(store.url, { readonly: true })
      try {
        const app = await store.addApp()
        const before = await reader.changeToken()
        expect(await reader.changeToken()).toBe(before)
        await updateApp(store.database.queries, app.appId, { name: 'changed' })
        const after = await reader.changeToken()
        expect(after).not.toBe(before)
        expect((await findAppById(reader.queries, app.appId))?.name).toBe('changed')
        expect(await reader.changeToken()).toBe(after)
      } finally {
        await reader.close()
      }
    })

    test('that was read during a transaction differs from the one after it', async () => {
      const reader = await openDatabase(store.url, { readonly: true })
      try {
        const app = await store.addApp()
        const during = await store.database.transaction(async (tx) => {
          await updateApp(tx, app.appId, { name: 'changed' })
          const token = await reader.changeToken()
          expect((await findAppById(reader.queries, app.appId))?.name).toBe('app')
          return token
        })
        expect(await reader.changeToken()).not.toBe(during)
      } finally {
        await reader.close()
      }
    })
  })

  test('opened to be read only, refuses to write', async () => {
    const reader = await openDatabase(store.url, { readonly: true })
    try {
      await expect(insertApp(reader.queries, appRow())).rejects.toThrow(/read-?only/)
    } finally {
      await reader.close()
    }
  })

  test('is brought to the newest migration by several at once, and opened again as it is', async () => {
    const fresh = await store.server.createDatabase()
    const opened = await Promise.all([openDatabase(fresh), openDatabase(fresh), openDatabase(fresh)])
    const app = appRow()
    await insertApp(opened[0].queries, app)
    await Promise.all(opened.map((each) => each.close()))
    const again = await openDatabase(fresh)
    try {
      expect(await findAppById(again.queries, app.appId)).toEqual(app)
    } finally {
      await again.close()
    }
  })

  test('refuses a database that a newer version made', async () => {
    const newer = await store.server.createDatabase()
    const opened = await openDatabase(newer)
    const row = { name: '9999-of-the-future', timestamp: 'now' }
    await opened.queries
      .insertInto('kysely_migration' as never)
      .values(row)
      .execute()
    await opened.close()
    await expect(openDatabase(newer)).rejects.toThrow('made by a newer version of Preamp')
  })
})
