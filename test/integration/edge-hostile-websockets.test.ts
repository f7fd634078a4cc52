import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import type { Socket } from 'node:net'
import { deflateRawSync } from 'node:zlib'

import { limits } from '../../src/model/limits.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import {
  openRawVisitor,
  type RawWebSocketServer,
  serverFrame,
  startRawWebSocketServer,
} from '../support/raw-websocket.ts'
import { waitFor } from '../support/wait-for.ts'

/** WebSockets through rules to servers of tenants who want the memory of all sites. docs/security.md has a row for each. */

const MiB = 1024 * 1024

let preamp: TestPreamp
let site: PublishedSite
let upstream: RawWebSocketServer
let port: number

beforeAll(async () => {
  upstream = await startRawWebSocketServer()
  preamp = await startPreamp({
    environment: {
      PREAMP_PROXY_HTTP: 'true',
      PREAMP_EDGE_PROCESSES: '1',
    },
  })
  port = Number(new URL(preamp.sitesUrl).port)
  site = await createPublishedSite(preamp)
  await site.publish({ 'index.html': '<h1>Home</h1>' })
  await site.setRules(['/socket', `http://127.0.0.1:${upstream.port}/`, '200'])
})
afterAll(async () => {
  await preamp.stop()
  await upstream.stop()
})
afterEach(async () => {
  for (const { socket } of visitors.splice(0)) socket.close()
  for (const socket of raw.splice(0)) socket.destroy()
  await waitFor('the servers behind to be told', 20, () => upstream.sockets.length === 0)
})

interface Visitor {
  socket: WebSocket
  messages: (string | Buffer)[]
  closed: Promise<{ code: number; reason: string }>
}
const visitors: Visitor[] = []
const raw: Socket[] = []

/** @returns with the connection at the server behind */
async function open(): Promise<Visitor & { behind: Socket }> {
  const before = new Set(upstream.sockets)
  const socket = new WebSocket(`${preamp.sitesUrl.replace('http', 'ws')}/socket`, {
    headers: { host: site.host },
  })
  socket.binaryType = 'nodebuffer' as never
  const messages: Visitor['messages'] = []
  socket.addEventListener('message', ({ data }) => messages.push(data as string | Buffer))
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })),
  )
  const opened = new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()))
  await Promise.race([opened, closed])
  const visitor = { socket, messages, closed }
  visitors.push(visitor)
  const behind = upstream.sockets.find((one) => !before.has(one))
  return { ...visitor, behind: behind! }
}

/** Sends without an end what the other side does not take. @returns how many bytes it took */
function flood(socket: Socket, first: Buffer, next = first): () => number {
  let bytes = first.length
  const go = () => {
    do bytes += next.length
    while (!socket.destroyed && socket.write(next))
  }
  socket.on('drain', go)
  socket.write(first)
  go()
  return () => bytes
}

describe('a server behind', () => {
  test('is offered no compression, and who insists on it is not connected to', async () => {
    upstream.answerWith(['Sec-WebSocket-Extensions: permessage-deflate'])
    const { status, socket } = await openRawVisitor({ port, host: site.host, path: '/socket' })
    raw.push(socket)
    upstream.answerWith([])
    expect(status).toBe(502)
    expect(upstream.heads.pop()).not.toContain('sec-websocket-extensions')
  })

  test.each<[string, () => Buffer, number]>([
    ['a bomb', () => serverFrame(0xc2, deflateRawSync(Buffer.alloc(120 * MiB))), 1002],
    ['a message that is announced too long', () => serverFrame(0x82, Buffer.alloc(0), 2 ** 40), 1009],
    ['one that is too long', () => serverFrame(0x82, Buffer.alloc(limits.proxyMessageBytesMax + 1)), 1009],
    ['what is no text', () => serverFrame(0x81, Buffer.from([0xff])), 1007],
    ['what is no frame', () => Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), 1002],
  ])('that sends %s: closed', async (_, bytes, code) => {
    const { behind, closed } = await open()
    behind.write(bytes())
    expect((await closed).code).toBe(code)
  })

  test('that sends a message without an end: closed when it is too long', async () => {
    const { behind, closed } = await open()
    const sent = flood(
      behind,
      serverFrame(0x02, Buffer.alloc(65_000)),
      serverFrame(0x00, Buffer.alloc(65_000)),
    )
    expect((await closed).code).toBe(1009)
    expect(sent()).toBeLessThan(3 * limits.proxyMessageBytesMax)
  })

  test('that goes away without a word: so does the visitor’s side', async () => {
    const { behind, closed } = await open()
    behind.destroy()
    expect((await closed).code).toBe(1006)
  })

  test('that sends faster than a visitor reads has to wait, and nothing is lost', async () => {
    const { socket } = await openRawVisitor({ port, host: site.host, path: '/socket' })
    raw.push(socket)
    const messageBytes = 65_000
    const sent = flood(upstream.sockets.at(-1)!, serverFrame(0x82, Buffer.alloc(messageBytes, 'a')))
    let before = -1
    await waitFor('it to be held back', 20, async () => {
      const isHeld = sent() === before
      before = sent()
      await Bun.sleep(300)
      return isHeld
    })
    expect(before).toBeLessThan(64 * MiB)
    let taken = 0
    socket.on('data', (chunk: Buffer) => (taken += chunk.length))
    socket.resume()
    await waitFor('all that was held back', 20, () => taken > 2 * before)
  }, 60_000)

  test('that does not read is not waited for by holding what visitors send', async () => {
    const { socket, behind, closed } = await open()
    behind.pause()
    const message = Buffer.alloc(limits.visitorMessageBytesMax)
    const timer = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(message), 5)
    const { code } = await closed
    clearInterval(timer)
    behind.destroy()
    expect(code).toBe(1013)
  }, 30_000)
})

test('an app has so much on its way and no more, and others go on', async () => {
  const messageBytes = limits.proxyMessageBytesMax - 1000
  const count = Math.ceil(limits.webSocketBytesOfAppMax / messageBytes) + 1
  const opened = []
  for (let index = 0; index < count; index++) opened.push(await open())
  const codes: number[] = []
  for (const { closed } of opened) void closed.then(({ code }) => codes.push(code))
  const settled = new Set<Socket>()
  for (const { behind } of opened) {
    for (const event of ['data', 'close']) behind.once(event, () => settled.add(behind))
    behind.write(serverFrame(0x02, Buffer.alloc(messageBytes)))
    // It is answered when all before it has been read.
    behind.write(serverFrame(0x89, Buffer.alloc(0)))
  }
  await waitFor('all to be read or closed', 20, () => settled.size === count)
  await waitFor('the bound', 20, () => codes.length > 0)
  expect(new Set(codes)).toEqual(new Set([1013]))
  const left = opened.filter(({ socket }) => socket.readyState === WebSocket.OPEN)
  expect(left.length).toBeGreaterThan(0)
  left[0]!.behind.write(serverFrame(0x80, Buffer.from('x')))
  await waitFor('a message that was begun before', 10, () => left[0]!.messages.length === 1)
  expect(left[0]!.messages[0]).toHaveLength(messageBytes + 1)
  const again = await open()
  again.behind.write(serverFrame(0x81, Buffer.from('hello')))
  await waitFor('another one', 10, () => again.messages.length === 1)
}, 60_000)

test('an app has so many and no more, whoever they are of', async () => {
  const opened = []
  for (let index = 0; index < limits.webSocketsOfAppMax; index++) {
    const localAddress = `127.0.1.${1 + Math.floor(index / limits.webSocketsOfAddressMax)}`
    opened.push(await openRawVisitor({ port, host: site.host, path: '/socket', localAddress }))
  }
  raw.push(...opened.map(({ socket }) => socket))
  expect(opened.filter(({ status }) => status !== 101)).toEqual([])
  const next = { port, host: site.host, path: '/socket', localAddress: '127.0.2.1' }
  const refused = await openRawVisitor(next)
  raw.push(refused.socket)
  expect(refused.status).toBe(503)
  opened[0]!.socket.destroy()
  await waitFor('room for another', 20, async () => {
    const { status, socket } = await openRawVisitor(next)
    raw.push(socket)
    return status === 101
  })
}, 60_000)

describe('a visitor', () => {
  test('gets long messages, text and bytes', async () => {
    const { behind, messages } = await open()
    const text = 'é'.repeat(limits.proxyMessageBytesMax / 2)
    behind.write(serverFrame(0x81, Buffer.from(text)))
    behind.write(serverFrame(0x82, Buffer.alloc(100_000, 'b')))
    await waitFor('both', 20, () => messages.length === 2)
    expect(messages[0] === text).toBe(true)
    expect(Buffer.alloc(100_000, 'b').equals(messages[1] as Buffer)).toBe(true)
  })

  test('sends none that is longer than a body', async () => {
    const { socket, closed } = await open()
    socket.send(Buffer.alloc(limits.visitorMessageBytesMax + 1))
    expect([1006, 1009]).toContain((await closed).code)
  })

  test('is told the code and the reason of the end, and so is the server behind', async () => {
    const first = await open()
    first.behind.write(serverFrame(0x88, Buffer.from('\x0f\xa1why', 'latin1')))
    expect(await first.closed).toEqual({ code: 4001, reason: 'why' })
    const { socket, behind } = await open()
    let bytes = Buffer.alloc(0)
    behind.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])))
    socket.close(4002, 'so')
    await waitFor('the close', 10, () => bytes.length === 10)
    const mask = bytes.subarray(2, 6)
    const payload = bytes.subarray(6).map((byte, index) => byte ^ mask[index % 4]!)
    expect([bytes[0], Buffer.from(payload).toString('latin1')]).toEqual([0x88, '\x0f\xa2so'])
  })
})
