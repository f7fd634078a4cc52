import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'

import { pino } from 'pino'

import { parseAccessLogLine } from '../../test/support/access-log.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { limits } from '../model/limits.ts'
import { type AccessLog, createAccessLog } from './access-log.ts'

const beforeThree = Date.UTC(2026, 10, 25, 14, 59, 59, 900)

let folder: string
let accessLog: AccessLog | undefined
let now: number
let shortage: string | undefined
let told: string[]

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'preamp-access-log-')), 'logs')
  now = beforeThree
  shortage = undefined
  told = []
})
afterEach(async () => {
  await accessLog?.close()
  rmSync(join(folder, '..'), { recursive: true, force: true })
})

function start(): AccessLog {
  const destination = new Writable({
    write(chunk, _encoding, done) {
      told.push((JSON.parse(String(chunk)) as { msg: string }).msg)
      done()
    },
  })
  accessLog = createAccessLog({
    folder,
    cookies: false,
    shortage: () => Promise.resolve(shortage),
    log: pino(destination),
    now: () => now,
  })
  return accessLog
}

function visit(log: AccessLog, path: string, appId = 'd1'): void {
  const request = new Request(`http://main.${appId}.localhost${path}`)
  log.add(appId, {
    request,
    facts: { status: 200 },
    scheme: 'http',
    mayBeHttp2: false,
    id: 'id-1',
    milliseconds: 0,
  })
}

/** What the files of an hour hold: paths by app. */
function logged(hour: string): Record<string, string[]> {
  const lines: Record<string, string[]> = {}
  for (const name of readdirSync(join(folder, hour)).toSorted()) {
    const text = readFileSync(join(folder, hour, name), 'utf8')
    expect(text).toEndWith('\n')
    const paths = text
      .slice(0, -1)
      .split('\n')
      .map((line) => parseAccessLogLine(line)['cs-uri-stem']!)
    ;(lines[name.split('.')[0]!] ??= []).push(...paths)
  }
  return lines
}

test('lines lie in a file for each hour and app, which nobody else can read', async () => {
  const log = start()
  visit(log, '/1')
  visit(log, '/2', 'd2')
  now += 200
  visit(log, '/3')
  await log.write()
  expect(logged('2026-11-25T14')).toEqual({ d1: ['/1'], d2: ['/2'] })
  expect(logged('2026-11-25T15')).toEqual({ d1: ['/3'] })
  visit(log, '/4')
  await log.write()
  expect(logged('2026-11-25T15')).toEqual({ d1: ['/3', '/4'] })
  const [name] = readdirSync(join(folder, '2026-11-25T15'))
  expect(statSync(join(folder, '2026-11-25T15')).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, '2026-11-25T15', name!)).mode & 0o777).toBe(0o600)
})

test('each line has its time and the id of its request', async () => {
  const log = start()
  for (let time = 0; time < 3; time++) visit(log, '/')
  await log.write()
  const [name] = readdirSync(join(folder, '2026-11-25T14'))
  const lines = readFileSync(join(folder, '2026-11-25T14', name!), 'utf8')
    .trim()
    .split('\n')
  const parsed = lines.map(parseAccessLogLine)
  expect(parsed.map(({ date, time }) => `${date} ${time}`)).toEqual(Array(3).fill('2026-11-25 14:59:59'))
  expect(parsed.map((line) => line['x-edge-request-id'])).toEqual(Array(3).fill('id-1'))
})

test('lines are written without being asked for, when there are many and when time has passed', async () => {
  const log = start()
  const path = `/${'a'.repeat(1000)}`
  const count = Math.ceil(limits.accessLogWriteBytes / 1000)
  for (let line = 0; line < count; line++) visit(log, path)
  visit(log, '/last')
  await waitFor('the last line', 10, () => {
    try {
      return logged('2026-11-25T14')['d1']?.length === count + 1
    } catch {
      return false
    }
  })
})

test('without room nothing is written, which is said once; then it goes on', async () => {
  const log = start()
  shortage = 'The disk is nearly full.'
  for (let time = 0; time < 3; time++) {
    visit(log, '/lost')
    await log.write()
  }
  expect(() => readdirSync(folder)).toThrow()
  shortage = undefined
  visit(log, '/kept')
  await log.write()
  expect(logged('2026-11-25T14')).toEqual({ d1: ['/kept'] })
  expect(told).toEqual([
    'the access log cannot be written; its lines are dropped',
    'the access log is written again',
  ])
})

test('a disk that fails is left alone for a while', async () => {
  const log = start()
  writeFileSync(folder, 'not a folder')
  visit(log, '/lost')
  await log.write()
  rmSync(folder)
  visit(log, '/lost too')
  await log.write()
  now += 10_000
  visit(log, '/kept')
  await log.write()
  expect(logged('2026-11-25T15')).toEqual({ d1: ['/kept'] })
  expect(told).toHaveLength(2)
})

test('lines that wait for the disk are bounded', async () => {
  let room = Promise.withResolvers<undefined>()
  const log = createAccessLog({
    folder,
    cookies: false,
    shortage: () => room.promise,
    log: pino({ level: 'silent' }),
    now: () => now,
  })
  const path = `/${'a'.repeat(1500)}`
  const lines = Math.ceil((2 * limits.accessLogWaitingBytesMax) / 1500)
  for (let line = 0; line < lines; line++) visit(log, path)
  room.resolve(undefined)
  room = Promise.withResolvers()
  room.resolve(undefined)
  await log.close()
  const [name] = readdirSync(join(folder, '2026-11-25T14'))
  const { size } = statSync(join(folder, '2026-11-25T14', name!))
  expect(size).toBeGreaterThan(limits.accessLogWaitingBytesMax - 2000)
  expect(size).toBeLessThan(limits.accessLogWaitingBytesMax + 4000)
})

test('a folder that was removed for its age is made again', async () => {
  const log = start()
  visit(log, '/gone')
  await log.write()
  rmSync(folder, { recursive: true })
  visit(log, '/here')
  await log.write()
  expect(logged('2026-11-25T14')).toEqual({ d1: ['/here'] })
})
