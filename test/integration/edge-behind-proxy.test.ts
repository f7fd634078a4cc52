import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { pino } from 'pino'

import type { Visit } from '../../src/edge/access-log-line.ts'
import { createEdge, type Edge } from '../../src/edge/edge.ts'
import { parseNetwork } from '../../src/model/addresses.ts'
import { rawStatuses } from '../support/raw-http.ts'
import { createSiteStore, type SiteStore } from '../support/site-store.ts'

/** What an edge believes of who connects: of a trusted proxy all that it says, of a stranger nothing. */

let store: SiteStore
const edges: Edge[] = []
const visits: Visit[] = []

beforeAll(async () => {
  store = await createSiteStore()
  await store.deploy({ 'index.html': '<h1>Home</h1>' })
})
afterAll(async () => {
  for (const edge of edges) await edge.stop()
  await store.close()
})

/** @returns the port of an edge whose sites have an HTTPS address, behind proxies in these networks */
function openEdge(networks: string[], endsTls: boolean): number {
  const edge = createEdge({
    ...store,
    siteSuffix: 'localhost',
    memoryBytes: 1024 * 1024,
    credentialsKey: new Uint8Array(32),
    visitors: {
      trustedProxies: networks.map((network) => parseNetwork(network)!),
      countryHeader: undefined,
      countryOf: undefined,
      endsTls,
      sitesPort: '',
    },
    httpsPort: 443,
    accessLog: {
      add: (_, visit) => void visits.push(visit),
      write: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    log: pino({ level: 'silent' }),
  })
  edges.push(edge)
  return edge.listen({ host: '127.0.0.1', port: 0 }).port
}

async function ask(port: number, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    redirect: 'manual',
    headers: { host: store.host, ...headers },
  })
  const { address, port: fromPort, scheme } = visits.at(-1)!
  return { status: response.status, location: response.headers.get('location'), address, fromPort, scheme }
}

describe('behind a trusted proxy', () => {
  let port: number
  beforeAll(() => (port = openEdge(['127.0.0.0/8', '10.0.0.0/8'], false)))

  test('a visitor is whom it names, also in the access log', async () => {
    const forwarded = { 'x-forwarded-proto': 'https' }
    for (const [text, address] of [
      ['203.0.113.9', '203.0.113.9'],
      ['192.0.2.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
      ['203.0.113.9:4711', '203.0.113.9'],
      ['[2001:db8::9]:4711', '2001:db8::9'],
      ['2001:db8::9', '2001:db8::9'],
      ['unknown', '127.0.0.1'],
      ['203.0.113.9, =cmd()', '127.0.0.1'],
      ['192.0.2.1, unknown, 10.1.2.3', '127.0.0.1'],
      ['', '127.0.0.1'],
    ] as const) {
      const asked = await ask(port, { ...forwarded, 'x-forwarded-for': text })
      expect(asked).toEqual({ status: 200, location: null, address, fromPort: undefined, scheme: 'https' })
    }
  })

  test('whoever came to it by plain HTTP is sent to HTTPS', async () => {
    const asked = await ask(port, { 'x-forwarded-proto': 'http' })
    expect(asked).toMatchObject({ status: 301, location: `https://${store.host}/`, scheme: 'http' })
  })

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['two things', { 'x-forwarded-proto': 'http, https' }],
    ['something else', { 'x-forwarded-proto': 'gopher' }],
  ])('nobody is sent anywhere where it says %s of the scheme', async (_, headers) => {
    expect((await ask(port, headers)).status).toBe(200)
  })
})

test('a stranger is who connects, whatever it says', async () => {
  const port = openEdge(['10.0.0.0/8'], true)
  const asked = await ask(port, { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' })
  expect(asked).toMatchObject({ status: 301, address: '127.0.0.1', scheme: 'http' })
  expect(asked.fromPort).toBeNumber()
})

test('where TLS ends in front and nobody says so, visitors do not go in circles', async () => {
  expect((await ask(openEdge([], false))).status).toBe(200)
})

test.each([
  ['text', Buffer.from('PROXY TCP4 203.0.113.9 203.0.113.1 4711 80\r\n')],
  [
    'binary',
    Buffer.from('0d0a0d0a000d0a515549540a21110 00c cb007109 cb007101 12670050'.replaceAll(' ', ''), 'hex'),
  ],
])('the PROXY protocol is not spoken: its %s header is refused', async (_, header) => {
  const port = openEdge([], false)
  const request = Buffer.from(`GET / HTTP/1.1\r\nHost: ${store.host}\r\nConnection: close\r\n\r\n`)
  const statuses = await rawStatuses(port, Buffer.concat([header, request]))
  expect(statuses).not.toContain(200)
})
