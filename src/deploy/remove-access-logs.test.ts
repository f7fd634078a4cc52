import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { addSite } from '../../test/support/site-rows.ts'
import { openStoredState, type StoredState } from '../../test/support/stored-site.ts'
import { accessLogFile, hourOf } from '../model/access-log.ts'
import { deleteApp } from '../store/apps.ts'
import { removeAccessLogs } from './remove-access-logs.ts'

const now = Date.UTC(2026, 10, 25, 14, 30)
const hoursAgo = (hours: number) => hourOf(now - hours * 3600_000)

let state: StoredState
let folder: string
let appId: string
beforeEach(async () => {
  state = await openStoredState()
  folder = state.directory.accessLogs
  appId = (await addSite(state.database)).appId
})
afterEach(() => state.close())

function write(hour: string, bytes: number, app = appId): void {
  mkdirSync(join(folder, hour), { recursive: true })
  writeFileSync(join(folder, hour, accessLogFile(app, 'aa')), 'x'.repeat(bytes))
}

const remove = (options: { days: number; bytesMax?: number }) =>
  removeAccessLogs({ folder, queries: state.database.queries, bytesMax: 1e9, now, ...options })

const left = () => readdirSync(folder).toSorted()

test('hours that are too old go, those of which a part is not stay', async () => {
  for (const hours of [0, 1, 23, 24, 25, 400]) write(hoursAgo(hours), 1)
  await remove({ days: 1 })
  expect(left()).toEqual([24, 23, 1, 0].map(hoursAgo))
})

test('with no days all go, and nothing else', async () => {
  for (const hours of [0, 1, 400]) write(hoursAgo(hours), 1)
  mkdirSync(join(folder, 'something else'))
  await remove({ days: 0 })
  expect(left()).toEqual(['something else'])
})

test('what deleted apps had goes', async () => {
  const other = (await addSite(state.database)).appId
  for (const app of [appId, other]) {
    write(hoursAgo(1), 1, app)
    write(hoursAgo(0), 1, app)
  }
  await deleteApp(state.database.queries, other)
  await remove({ days: 14 })
  for (const hours of [1, 0]) {
    expect(readdirSync(join(folder, hoursAgo(hours)))).toEqual([accessLogFile(appId, 'aa')])
  }
})

test('of too much the oldest goes, but never the current hour', async () => {
  for (const hours of [3, 2, 1, 0]) write(hoursAgo(hours), 1000)
  await remove({ days: 14, bytesMax: 2500 })
  expect(left()).toEqual([1, 0].map(hoursAgo))
  await remove({ days: 14, bytesMax: 500 })
  expect(left()).toEqual([hoursAgo(0)])
})
