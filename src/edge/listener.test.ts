import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

import { limits } from '../model/limits.ts'
import { type Listener, openListener } from './listener.ts'

/** How long a connection lives whose client takes its time. docs/security.md has a row for each of these. */

const idleSeconds = 4
/** Bun looks at its timers every four seconds. */
const slackSeconds = 6
/** By Bun, and not to be changed: for the headers of a connection's first request, and for the handshake of TLS. */
const headerSeconds = 10

let plain: Listener
let secure: Listener

const fixture = (name: string) => readFileSync(join(import.meta.dir, '../../test/fixtures/tls', name), 'utf8')

beforeAll(() => {
  const certificate = { cert: fixture('localhost.crt'), key: fixture('localhost.key') }
  const address = { host: '127.0.0.1', port: 0, reusePort: false, http2: true, idleSeconds }
  const handlers = {
    handle: async (request: Request) => new Response(await request.text()),
    fail: () => new Response(null, { status: 500 }),
    websocket: { message: () => undefined },
  }
  plain = openListener(address, handlers)
  secure = openListener({ ...address, certificate }, handlers)
})
afterAll(async () => {
  await Promise.all([plain.stop(), secure.stop()])
})

/** @returns after how many seconds the server ended the connection of who begins so, and then sends a piece each second */
function secondsUntilClosed(port: number, begin: string, piece?: string): Promise<number> {
  return new Promise((resolve) => {
    const started = performance.now()
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(begin, 'latin1')))
    const timer =
      piece === undefined ? undefined : setInterval(() => socket.write(Buffer.from(piece, 'latin1')), 1000)
    socket.on('error', () => undefined)
    socket.resume()
    socket.on('close', () => {
      clearInterval(timer)
      resolve((performance.now() - started) / 1000)
    })
  })
}

const head = 'GET / HTTP/1.1\r\nHost: a\r\n'
test.concurrent.each<[string, () => Promise<number>, number]>([
  ['sends nothing', () => secondsUntilClosed(plain.port, ''), headerSeconds],
  ['sends half of its headers', () => secondsUntilClosed(plain.port, head), headerSeconds],
  [
    'sends a character of its headers each second',
    () => secondsUntilClosed(plain.port, head, 'x'),
    headerSeconds,
  ],
  ['sends half a preface of HTTP/2', () => secondsUntilClosed(plain.port, 'PRI * HTT'), idleSeconds],
  [
    'sends a preface of HTTP/2 and nothing else',
    () => secondsUntilClosed(plain.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    idleSeconds,
  ],
  [
    'sends a character of its second request each second',
    () => secondsUntilClosed(plain.port, `${head}\r\n${head}`, 'x'),
    idleSeconds,
  ],
  ['sends no second request', () => secondsUntilClosed(plain.port, `${head}\r\n`), idleSeconds],
  [
    'sends a character of its body each second',
    () => secondsUntilClosed(plain.port, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`, 'x'),
    idleSeconds,
  ],
  ['does not begin with TLS', () => secondsUntilClosed(secure.port, ''), headerSeconds],
  [
    'sends a byte of its TLS handshake each second',
    () => secondsUntilClosed(secure.port, '\x16\x03\x01\x02\x00', '\x01'),
    headerSeconds,
  ],
])('who %s is sent away', async (_, seconds, expected) => {
  expect(await seconds()).toBeLessThan(expected + slackSeconds)
})

test('the time for a body is above what a proxied request may take', () => {
  expect(limits.siteIdleSecondsMax).toBeGreaterThan(limits.proxySecondsMax)
})
