import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'

import { pino } from 'pino'

import { type EdgeSupervisor, superviseEdges } from '../../src/edge/supervisor.ts'
import { edgeOptions } from '../support/edge-options.ts'
import {
  type Field,
  fields,
  flags,
  frame,
  frameTypes,
  type Http2Connection,
  openHttp2,
} from '../support/http2-frames.ts'
import { createSiteStore, type SiteStore } from '../support/site-store.ts'

/** Hostile HTTP/2 to an edge process. docs/security.md has a row for each of these, with what happens. */

let store: SiteStore
let edges: EdgeSupervisor

beforeAll(async () => {
  store = await createSiteStore()
  await store.deploy({ 'index.html': '<h1>Home</h1>', 'large.bin': new Uint8Array(900_000) })
  const options = edgeOptions(store, 0, 1)
  const settings = { ...options.settings, plainHttp2: true }
  edges = await superviseEdges({ ...options, settings, log: pino({ level: 'silent' }) })
})
afterAll(async () => {
  await edges.stop()
  await store.close()
})

const path = (target: string): Field => [':path', target]
const pseudo = (method = 'GET', target = '/'): Field[] => [
  [':method', method],
  [':scheme', 'http'],
  path(target),
  [':authority', store.host],
]
const both = flags.endHeaders + flags.endStream
const headersFrame = (stream: number, block: Uint8Array, flag = both) =>
  frame(frameTypes.headers, flag, stream, block)

function memoryBytes(): number {
  const [{ pid }] = JSON.parse(readFileSync(edgeOptions(store).edgesFile, 'utf8')) as [{ pid: number }]
  return Number(/^VmRSS:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/** What a visitor is answered who has done nothing. */
async function statusForOthers(): Promise<number> {
  return (await fetch(`http://127.0.0.1:${edges.port}/`, { headers: { host: store.host } })).status
}

/** Sends pieces until there are no more or the connection ends. */
async function flood(
  connection: Http2Connection,
  count: number,
  piece: (place: number) => Uint8Array,
): Promise<void> {
  for (let place = 0; place < count && !connection.isClosed(); place++) {
    await connection.send(piece(place))
    // What the server says in between is heard.
    if (place % 100 === 0) await Bun.sleep(0)
  }
}

async function answerTo(list: readonly Field[]): Promise<'answered' | 'reset'> {
  const connection = await openHttp2(edges.port)
  await connection.send(headersFrame(1, fields(list)))
  const first = await connection.until(({ stream }) => stream === 1)
  connection.end()
  return first?.type === frameTypes.headers ? 'answered' : 'reset'
}

describe('a request of HTTP/2', () => {
  const [method, scheme]: Field[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
  ]
  test('that is well-formed is answered', async () => {
    expect(await answerTo(pseudo())).toBe('answered')
  })
  test.each<[string, () => Field[]]>([
    ['a host that differs from its authority', () => [...pseudo(), ['host', 'evil.example']]],
    ['two authorities', () => [...pseudo(), [':authority', 'evil.example']]],
    ['a user in its authority', () => [method!, scheme!, path('/'), [':authority', `u:p@${store.host}`]]],
    ['no authority and no host', () => [method!, scheme!, path('/')]],
    ['two paths', () => [...pseudo(), path('/x')]],
    ['an absolute path', () => pseudo('GET', 'http://evil.example/')],
    ['a path without a slash', () => pseudo('GET', 'x')],
    ['a line break in its path', () => pseudo('GET', '/x\r\nX-A: 1')],
    ['a space in its path', () => pseudo('GET', '/x y')],
    ['a line break in its method', () => pseudo('GET / HTTP/1.1\r\nX: ')],
    ['a line break in a value', () => [...pseudo(), ['x-a', '1\r\nx-b: 2']]],
    ['a line break in a name', () => [...pseudo(), ['x-a\r\nx-b', '1']]],
    ['NUL in a value', () => [...pseudo(), ['x-a', '1\0']]],
    ['an upper-case name', () => [...pseudo(), ['X-A', '1']]],
    ['Transfer-Encoding', () => [...pseudo('POST'), ['transfer-encoding', 'chunked']]],
    ['Connection', () => [...pseudo(), ['connection', 'x-a']]],
    ['Upgrade', () => [...pseudo(), ['upgrade', 'websocket']]],
    ['two lengths', () => [...pseudo('POST'), ['content-length', '1'], ['content-length', '2']]],
    [
      'a pseudo-header behind others',
      () => [method!, scheme!, [':authority', store.host], ['a', 'b'], path('/')],
    ],
    ['an unknown pseudo-header', () => [...pseudo(), [':protocol', 'websocket']]],
  ])('with %s is reset', async (_, list) => {
    expect(await answerTo(list())).toBe('reset')
  })
})

describe('a connection of HTTP/2 that', () => {
  let before: number
  const check = async (connection: Http2Connection) => {
    connection.end()
    expect(await statusForOthers()).toBe(200)
    expect(memoryBytes() - before).toBeLessThan(64 * 1024 * 1024)
  }
  beforeAll(async () => {
    await fetch(`http://127.0.0.1:${edges.port}/large.bin`, { headers: { host: store.host } })
    before = memoryBytes()
  })

  test('resets each stream that it opens (CVE-2023-44487) is closed', async () => {
    const connection = await openHttp2(edges.port)
    const block = fields(pseudo('GET', '/large.bin'))
    await flood(connection, 20_000, (place) => {
      const stream = 1 + 2 * place
      return Buffer.concat([
        headersFrame(stream, block),
        frame(frameTypes.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
      ])
    })
    await connection.until(() => connection.isClosed())
    await check(connection)
  }, 30_000)

  test.each([
    ['of 4 KB', (place: number) => fields([[`x-${place}`, 'y'.repeat(4000)]])],
    ['of nothing', () => Buffer.alloc(0)],
  ])(
    'continues headers without an end (CVE-2024-27316), by pieces %s, is closed',
    async (_, piece) => {
      const connection = await openHttp2(edges.port)
      await connection.send(headersFrame(1, fields(pseudo()), flags.endStream))
      await flood(connection, 20_000, (place) => frame(frameTypes.continuation, 0, 1, piece(place)))
      await connection.until(() => connection.isClosed())
      await check(connection)
    },
    30_000,
  )

  test('names one large header thousands of times (CVE-2016-6581) is closed or refused', async () => {
    const connection = await openHttp2(edges.port)
    const block = fields(pseudo('GET', '/missing'))
    await connection.send(
      headersFrame(1, Buffer.concat([block, fields([['x-bomb', 'z'.repeat(3900)]], true)])),
    )
    // The newest entry of the dynamic table has the index 62 (RFC 7541 §2.3.3).
    const bomb = Buffer.concat([block, Buffer.alloc(4000, 0x80 | 62)])
    await flood(connection, 200, (place) => headersFrame(3 + 2 * place, bomb))
    const answered = connection.received.filter(
      ({ type, stream }) => type === frameTypes.headers && stream > 1,
    )
    expect(answered).toEqual([])
    await check(connection)
  }, 30_000)

  test('opens more than 256 streams has the others refused', async () => {
    const connection = await openHttp2(edges.port)
    const block = fields([...pseudo('POST', '/').map((field) => field), ['content-length', '10']])
    await flood(connection, 1000, (place) => headersFrame(1 + 2 * place, block, flags.endHeaders))
    const refused = await connection.until(
      ({ type, payload }) => type === frameTypes.reset && payload.readUInt32BE() === 7,
    )
    expect(refused).toBeDefined()
    await check(connection)
  })

  test('asks for large files and takes nothing of them costs no memory for each', async () => {
    const connection = await openHttp2(edges.port)
    await connection.send(frame(frameTypes.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])))
    const block = fields(pseudo('GET', '/large.bin'))
    await flood(connection, 200, (place) => headersFrame(1 + 2 * place, block))
    await connection.until(({ type, stream }) => type === frameTypes.headers && stream === 399)
    await check(connection)
  })

  test.each([
    ['settings', frame(frameTypes.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0xff, 0xff]))],
    ['pings', frame(frameTypes.ping, 0, 0, Buffer.alloc(8))],
    ['updates of its window', frame(frameTypes.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))],
  ])(
    'sends 20,000 %s costs no memory',
    async (_, piece) => {
      const connection = await openHttp2(edges.port)
      await flood(connection, 200, () => Buffer.concat(Array.from({ length: 100 }, () => piece)))
      // All of it has been read when the last one is answered.
      const last = Buffer.from('the last')
      await connection.send(frame(frameTypes.ping, 0, 0, last))
      await connection.until(({ type, payload }) => type === frameTypes.ping && payload.equals(last))
      await check(connection)
    },
    30_000,
  )
})
