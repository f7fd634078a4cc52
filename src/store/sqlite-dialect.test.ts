import { Database as SqliteFile } from 'bun:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'

import { appRow, branchRow } from '../../test/support/rows.ts'
import { findAppById, insertApp } from './apps.ts'
import { findBranchById, insertBranch, takeJobNumber } from './branches.ts'
import { type Database, openDatabase } from './database.ts'

const writerScript = join(import.meta.dir, '../../test/support/sqlite-process.ts')

let folder: string
let url: string
let writers: Writer[]
let databases: Database[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-sqlite-'))
  url = `sqlite:${join(folder, 'preamp.db')}`
  writers = []
  databases = []
})
afterEach(async () => {
  for (const writer of writers) await writer.kill()
  for (const database of databases) await database.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(options?: { readonly: boolean }): Promise<Database> {
  const database = await openDatabase(url, options)
  databases.push(database)
  return database
}

interface Writer {
  lines: AsyncIterator<string, void>
  /** The rest of what it printed, once it has ended. */
  rest(): Promise<string[]>
  kill(): Promise<void>
}

/** Starts a writer in a process of its own, and waits until it has the database open. */
async function startWriter(...args: string[]): Promise<Writer> {
  const child = Bun.spawn([process.execPath, writerScript, url, ...args], {
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const lines = linesOf(child.stdout)
  const writer: Writer = {
    lines,
    async rest() {
      const rest: string[] = []
      for await (const line of lines) rest.push(line)
      expect(await child.exited).toBe(0)
      return rest
    },
    async kill() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
  writers.push(writer)
  expect((await lines.next()).value).toBe('opened')
  return writer
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end)
      text = text.slice(end + 1)
    }
  }
}

async function addBranch(database: Database): Promise<string> {
  const app = appRow()
  const branch = branchRow(app.appId)
  await insertApp(database.queries, app)
  await insertBranch(database.queries, branch)
  return branch.branchId
}

test('is durable, in WAL, and holds references', async () => {
  const { queries } = await open()
  const pragma = async (name: string) =>
    Object.values((await sql`pragma ${sql.raw(name)}`.execute(queries)).rows[0] as object)[0] as unknown
  expect(await pragma('journal_mode')).toBe('wal')
  expect(await pragma('synchronous')).toBe(2)
  expect(await pragma('foreign_keys')).toBe(1)
})

describe('two processes', () => {
  test('that write at once wait for each other instead of failing', async () => {
    const database = await open()
    const branchId = await addBranch(database)
    const others = await Promise.all([1, 2].map(() => startWriter('take-numbers', branchId)))
    const mine: number[] = []
    for (let count = 0; count < 50; count++) {
      mine.push(await database.transaction((transaction) => takeJobNumber(transaction, branchId)))
    }
    const theirs = await Promise.all(others.map((other) => other.rest()))
    const all = [...mine, ...theirs.flat().map(Number)].toSorted((one, other) => one - other)
    expect(all).toEqual(Array.from({ length: 150 }, (_, index) => index + 1))
  })

  test('do not stop each other’s event loop, nor each other’s reads', async () => {
    const database = await open()
    const reader = await open({ readonly: true })
    const branchId = await addBranch(database)
    const holder = await startWriter('hold', branchId, '400')
    expect((await holder.lines.next()).value).toBe('holds the lock')
    let turns = 0
    const state = { written: false }
    const writing = database
      .transaction((transaction) => takeJobNumber(transaction, branchId))
      .then((number) => {
        state.written = true
        return number
      })
    while (!state.written) {
      await Bun.sleep(1)
      if ((await findBranchById(reader.queries, branchId))?.lastJobNumber === 0) turns++
    }
    expect(await writing).toBe(2)
    expect(turns).toBeGreaterThan(3)
  })

  test('a single statement waits too', async () => {
    const database = await open()
    const branchId = await addBranch(database)
    const holder = await startWriter('hold', branchId, '100')
    expect((await holder.lines.next()).value).toBe('holds the lock')
    const app = appRow()
    await insertApp(database.queries, app)
    expect(await findAppById(database.queries, app.appId)).toEqual(app)
    expect(await holder.rest()).toEqual(['let go'])
  })
})

describe('a reader', () => {
  test('that was open when the writer was killed goes on, and sees the next writer', async () => {
    const writer = await startWriter('insert-apps')
    const first = (await writer.lines.next()).value!
    const reader = await open({ readonly: true })
    expect(await findAppById(reader.queries, first)).toBeDefined()
    await writer.kill()
    expect(await findAppById(reader.queries, first)).toBeDefined()
    const token = await reader.changeToken()
    const next = await startWriter('insert-apps')
    const later = (await next.lines.next()).value!
    expect(await findAppById(reader.queries, later)).toBeDefined()
    expect(await reader.changeToken()).not.toBe(token)
  })

  test('can be opened after the writer was killed, and finds all it acknowledged', async () => {
    for (let round = 0; round < 3; round++) {
      const writer = await startWriter('insert-apps')
      const acknowledged: string[] = []
      while (acknowledged.length < 20) acknowledged.push((await writer.lines.next()).value!)
      await writer.kill()
      const reader = await open({ readonly: true })
      for (const appId of acknowledged) expect(await findAppById(reader.queries, appId)).toBeDefined()
      await reader.close()
    }
  })

  test('can be opened when the last writer closed in order', async () => {
    const writer = await openDatabase(url)
    const app = appRow()
    await insertApp(writer.queries, app)
    await writer.close()
    const reader = await open({ readonly: true })
    expect(await findAppById(reader.queries, app.appId)).toEqual(app)
  })

  test('says that there is no database', async () => {
    await expect(openDatabase(url, { readonly: true })).rejects.toThrow('unable to open database file')
  })
})

test('a migration that fails half-way leaves nothing of itself', async () => {
  const file = new SqliteFile(url.slice('sqlite:'.length))
  file.run('create table "jobs" ("jobKey" text)')
  await expect(openDatabase(url)).rejects.toThrow('table "jobs" already exists')
  file.run('drop table "jobs"')
  file.close()
  // The tables that were made before the failure are not in the way.
  await addBranch(await open())
})
