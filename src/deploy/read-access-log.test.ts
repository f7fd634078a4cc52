import { afterEach, beforeEach, expect, test } from 'bun:test'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { parseAccessLog } from '../../test/support/access-log.ts'
import { accessLogFile } from '../model/access-log.ts'
import { type AccessLogSelection, readAccessLog } from './read-access-log.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'preamp-access-log-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A whole line, of which the path tells which one it is. */
function line(time: string, path: string, host = 'main.d1.localhost'): string {
  const values = Array<string>(33).fill('-')
  values.splice(0, 2, '2026-11-25', time)
  values.splice(6, 2, host, path)
  return `${values.join(',')}\n`
}

function append(hour: string, writer: string, text: string, appId = 'd1'): void {
  mkdirSync(join(folder, hour), { recursive: true })
  appendFileSync(join(folder, hour, accessLogFile(appId, writer)), text)
}

/** Files below the folder that this process holds open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      // The descriptor of this very look.
      return []
    }
  })
}

async function read(selection: Partial<AccessLogSelection> = {}): Promise<string[]> {
  const chunks = await Array.fromAsync(
    readAccessLog(folder, {
      appId: 'd1',
      from: '2026-11-25T00',
      to: '2026-11-25T23',
      matches: () => true,
      ...selection,
    }),
  )
  return parseAccessLog(Buffer.concat(chunks).toString()).map((request) => request['cs-uri-stem']!)
}

test('without files there is a header', async () => {
  expect(await read()).toEqual([])
  rmSync(folder, { recursive: true })
  expect(await read()).toEqual([])
})

test('lines of several processes come in the order of time', async () => {
  append('2026-11-25T14', 'aa', line('14:00:01', '/1') + line('14:00:04', '/4') + line('14:00:09', '/9'))
  append('2026-11-25T14', 'bb', line('14:00:02', '/2') + line('14:00:03', '/3'))
  append('2026-11-25T14', 'cc', line('14:00:05', '/5'))
  append('2026-11-25T14', 'dd', '')
  append('2026-11-25T13', 'cc', line('13:59:59', '/0'))
  expect(await read()).toEqual(['/0', '/1', '/2', '/3', '/4', '/5', '/9'])
})

test('only the hours, the app and the hosts that were asked for', async () => {
  for (const hour of ['12', '13', '14', '15']) append(`2026-11-25T${hour}`, 'aa', line(`${hour}:30:00`, hour))
  append('2026-11-25T13', 'aa', line('13:00:00', 'other app'), 'd11')
  append('2026-11-25T13', 'aa', line('13:31:00', 'other host', 'dev.d1.localhost'))
  append('not an hour', 'aa', line('13:00:00', 'stray'))
  expect(await read({ from: '2026-11-25T13', to: '2026-11-25T14' })).toEqual(['13', 'other host', '14'])
  expect(await read({ matches: (host) => host === 'dev.d1.localhost' })).toEqual(['other host'])
})

test('what is not a whole line is left out', async () => {
  append('2026-11-25T14', 'aa', line('14:00:01', '/1') + line('14:00:02', '/cut').slice(0, 40))
  append('2026-11-25T14', 'bb', line('14:00:03', '/3') + '\n\0\0\n' + line('14:00:04', '/4').slice(0, -1))
  append('2026-11-25T14', 'cc', 'x'.repeat(300_000))
  expect(await read()).toEqual(['/1', '/3'])
})

test('files longer than a piece are merged line by line', async () => {
  const times = Array.from({ length: 3600 }, (_, second) => {
    const [minute, rest] = [Math.floor(second / 60), second % 60].map((part) => String(part).padStart(2, '0'))
    return `14:${minute}:${rest}`
  })
  const writers = ['aa', 'bb', 'cc']
  for (const [at, writer] of writers.entries()) {
    const lines = times.filter((_, second) => second % 3 === at || second % 7 === 0)
    append('2026-11-25T14', writer, lines.map((time) => line(time, `/${time}${'x'.repeat(200)}`)).join(''))
  }
  const paths = await read()
  expect(paths).toEqual(paths.toSorted())
  expect(new Set(paths).size).toBe(times.length)
})

test.if(process.platform === 'linux')('a reader that stops early closes the files', async () => {
  append('2026-11-25T14', 'aa', line('14:00:01', '/1').repeat(2000))
  const reading = readAccessLog(folder, {
    appId: 'd1',
    from: '2026-11-25T14',
    to: '2026-11-25T14',
    matches: () => true,
  })
  await reading.next()
  await reading.next()
  expect(openFiles()).toHaveLength(1)
  await reading.return()
  expect(openFiles()).toEqual([])
})
