import { afterEach, beforeEach, expect, test } from 'bun:test'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { accessLogFile, hourOf } from '../model/access-log.ts'
import { limits } from '../model/limits.ts'
import { AccessLogTail } from './follow-access-log.ts'

const noon = Date.UTC(2026, 10, 25, 12, 0, 5)
const hour = 3600_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-tail-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(time: number, writer: string, text: string, appId = 'd1'): void {
  const ofHour = join(folder, hourOf(time))
  mkdirSync(ofHour, { recursive: true })
  appendFileSync(join(ofHour, accessLogFile(appId, writer)), text)
}

const line = (time: number, name: string) => {
  const iso = new Date(time).toISOString()
  return `${iso.slice(0, 10)},${iso.slice(11, 19)},${name}\n`
}

async function namesOf(tail: AccessLogTail, now: number): Promise<string[]> {
  const { lines } = await tail.read(now)
  return lines.map((text) => text.split(',')[2]!)
}

test('lines come once, in the order of time, from the files of one app that come and grow', async () => {
  const tail = new AccessLogTail(folder, 'd1', new Map())
  expect(await namesOf(tail, noon)).toEqual([])
  write(noon, 'aa', line(noon + 2000, 'second'))
  write(noon, 'bb', line(noon + 1000, 'first'))
  write(noon, 'aa', line(noon, 'of another'), 'd2')
  expect(await namesOf(tail, noon)).toEqual(['first', 'second'])
  expect(await namesOf(tail, noon)).toEqual([])
  write(noon, 'aa', line(noon + 3000, 'third'))
  write(noon, 'cc', line(noon + 4000, 'fourth'))
  expect(await namesOf(tail, noon)).toEqual(['third', 'fourth'])
})

test('a line is told when it is whole', async () => {
  const tail = new AccessLogTail(folder, 'd1', new Map())
  const text = line(noon, 'whole')
  write(noon, 'aa', text.slice(0, 10))
  expect(await namesOf(tail, noon)).toEqual([])
  write(noon, 'aa', text.slice(10))
  expect(await namesOf(tail, noon)).toEqual(['whole'])
})

test('the next hour is read on, and what was read of the hour before last is forgotten', async () => {
  const tail = new AccessLogTail(folder, 'd1', new Map())
  write(noon, 'aa', line(noon, 'noon'))
  expect(await namesOf(tail, noon)).toEqual(['noon'])
  write(noon, 'aa', line(noon + hour - 6000, 'late'))
  write(noon + hour, 'aa', line(noon + hour, 'one'))
  expect(await namesOf(tail, noon + hour)).toEqual(['late', 'one'])
  expect(await namesOf(tail, noon + 2 * hour)).toEqual([])
  expect([...tail.places.keys()]).toEqual([`${hourOf(noon + hour)}/aa`])
})

test('it goes on from places that were kept', async () => {
  write(noon, 'aa', line(noon, 'before'))
  const tail = new AccessLogTail(folder, 'd1', new Map())
  await tail.read(noon)
  write(noon, 'aa', line(noon, 'between'))
  write(noon, 'bb', line(noon + 1000, 'new'))
  expect(await namesOf(new AccessLogTail(folder, 'd1', tail.places), noon)).toEqual(['between', 'new'])
})

test('where more is written than is read, the newest is told, and how much was left out', async () => {
  const tail = new AccessLogTail(folder, 'd1', new Map())
  const padded = (name: string) => line(noon, `${name},${'x'.repeat(1000)}`)
  const count = Math.ceil(limits.accessLogTailBytesMax / 1000) * 2
  for (let at = 0; at < count; at++) write(noon, 'aa', padded(String(at)))
  const { lines, skippedBytes } = await tail.read(noon)
  expect(skippedBytes).toBeGreaterThan(limits.accessLogTailBytesMax / 2)
  expect(lines.at(-1)).toContain(`,${count - 1},`)
  // The first one is whole too.
  for (const text of lines) expect(`${text}\n`).toHaveLength(padded(text.split(',')[2]!).length)
})

test('a file that is removed or shorter than it was is no error', async () => {
  write(noon, 'aa', line(noon, 'one'))
  const tail = new AccessLogTail(folder, 'd1', new Map([[`${hourOf(noon)}/aa`, 1_000_000]]))
  expect(await namesOf(tail, noon)).toEqual([])
  rmSync(join(folder, hourOf(noon)), { recursive: true })
  expect(await namesOf(tail, noon)).toEqual([])
})
