import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

import { limits } from '../../src/model/limits.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { getRaw } from '../support/raw-http.ts'
import { waitFor } from '../support/wait-for.ts'

/** What rules fetch at the same time, and what becomes of others meanwhile. docs/security.md has the rows. */

const tls = join(import.meta.dir, '../fixtures/tls')
const { proxyFetchesOfAddressMax, proxyFetchesOfAppMax } = limits

let preamp: TestPreamp
let port: number
let upstream: Server
let safe: Bun.Server<undefined>
let pinging: Bun.Server<undefined>
let sites: PublishedSite[]

/** Answers by path: a long answer that is begun and never ended, one in pieces, one of which the end never comes. */
const answers: Record<string, string> = {
  '/begun': `HTTP/1.1 200 OK\r\nContent-Length: ${1024 * 1024}\r\n\r\nbegun`,
  '/pieces': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n',
  '/broken': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n',
  '/short': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  '/unchanged': 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
}

beforeAll(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      const [, path = ''] = /^\S+ ([^ ?]+)/.exec(data.toString('latin1')) ?? []
      socket.write(answers[path]!)
      if (path === '/broken') socket.end()
    })
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  safe = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { key: Bun.file(join(tls, 'localhost.key')), cert: Bun.file(join(tls, 'localhost.crt')) },
    fetch: () => new Response('by a certificate of our own'),
  })
  pinging = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    websocket: {
      // As often as it is asked to.
      message(socket, times) {
        for (let count = 0; count < Number(times); count++) socket.ping()
        socket.send('pinged')
      },
    },
  })
  preamp = await startPreamp({
    environment: {
      PREAMP_PROXY_HTTP: 'true',
      PREAMP_HTTP2: 'all',
      NODE_EXTRA_CA_CERTS: join(tls, 'localhost.crt'),
    },
  })
  port = Number(new URL(preamp.sitesUrl).port)
  sites = []
  for (let count = 0; count < 4; count++) {
    const site = await createPublishedSite(preamp)
    await site.publish({ 'index.html': 'home' })
    await site.setRules(
      ['/at/<*>', `http://127.0.0.1:${(upstream.address() as { port: number }).port}/<*>`, '200'],
      ['/pinging', `http://127.0.0.1:${pinging.port}/`, '200'],
      ['/safe', `https://localhost:${safe.port}/`, '200'],
    )
    sites.push(site)
  }
})
afterAll(async () => {
  await preamp.stop()
  await safe.stop(true)
  await pinging.stop(true)
  upstream.close()
})

const held: Socket[] = []
afterEach(() => {
  for (const socket of held.splice(0)) socket.destroy()
})

/** Visitors who ask for an answer and have got its beginning: they keep it. */
async function hold(site: PublishedSite, count: number, localAddress = '127.0.0.1'): Promise<void> {
  const begun = Array.from({ length: count }, async () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    held.push(socket)
    socket.write(`GET /at/begun HTTP/1.1\r\nHost: ${site.host}\r\n\r\n`)
    const first = await new Promise<Buffer>((resolve, reject) => {
      socket.once('data', resolve)
      socket.once('error', reject)
    })
    expect(first.toString('latin1')).toStartWith('HTTP/1.1 200')
  })
  await Promise.all(begun)
}

const short = (site: PublishedSite) => getRaw(port, site.host, '/at/short')

describe('answers that visitors do not take', () => {
  test('take no more of an app than one visitor and one app may, and all is given back when they leave', async () => {
    const [site, other] = sites as [PublishedSite, PublishedSite]
    await hold(site, proxyFetchesOfAddressMax)
    const refused = await short(site)
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toBe('5')
    expect(refused.body).toContain('Please try again later')
    await hold(site, proxyFetchesOfAppMax - proxyFetchesOfAddressMax, '127.0.0.2')
    for (const socket of held.splice(0, 50)) socket.destroy()
    await waitFor('some to be given back', 10, async () => (await short(site)).status === 200)
    await hold(site, 50, '127.0.0.3')
    const third = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.4' })
    held.push(third)
    third.write(`GET /at/short HTTP/1.1\r\nHost: ${site.host}\r\n\r\n`)
    const answer = await new Promise<Buffer>((resolve) => third.once('data', resolve))
    expect(answer.toString('latin1')).toStartWith('HTTP/1.1 503')
    expect((await short(other)).body).toBe('ok')
    expect((await getRaw(port, site.host, '/')).body).toBe('home')
    await waitFor('a line of the log', 10, async () => preamp.output().includes('visitors get 503'))
    for (const socket of held.splice(0)) socket.destroy()
    await waitFor('all to be given back', 10, async () => (await short(site)).status === 200)
    await hold(site, proxyFetchesOfAddressMax)
  })

  test('are more than Bun fetches at once by itself, and others are answered all the same', async () => {
    for (const site of sites.slice(0, 3)) await hold(site, 95)
    expect(held.length).toBeGreaterThan(256)
    expect((await short(sites[3]!)).body).toBe('ok')
  })
})

describe('what an answer holds is given back', () => {
  const times = proxyFetchesOfAppMax + 1

  test.each(['short', 'pieces', 'unchanged', 'broken'])('where it is %s', async (path) => {
    for (let count = 0; count < times; count++) {
      const status = await sites[0]!
        .visit(`/at/${path}`)
        .then((answer) => answer.text().then(() => answer.status))
        .catch(() => 'cut short')
      expect(status).not.toBe(503)
    }
  })

  test('where only its headers are asked for', async () => {
    for (let count = 0; count < times; count++) {
      const answer = await fetch(`${preamp.sitesUrl}/at/begun`, {
        method: 'HEAD',
        headers: { host: sites[0]!.host },
      })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-length')).toBe(String(1024 * 1024))
    }
  })

  test('where its visitor leaves before it begins', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const [site] = sites as [PublishedSite]
    const { port: silentPort } = silent.address() as { port: number }
    await sites[0]!.setRules(
      ['/silent', `http://127.0.0.1:${silentPort}/`, '200'],
      ['/at/<*>', `http://127.0.0.1:${(upstream.address() as { port: number }).port}/<*>`, '200'],
    )
    const waiting = new Set<Socket>()
    silent.on('connection', (socket) => {
      waiting.add(socket)
      socket.on('close', () => waiting.delete(socket))
    })
    for (let count = 0; count < proxyFetchesOfAddressMax; count++) {
      const socket = connect(port, '127.0.0.1')
      held.push(socket)
      socket.write(`GET /silent HTTP/1.1\r\nHost: ${site.host}\r\n\r\n`)
    }
    await waitFor('all to wait', 10, async () => waiting.size === proxyFetchesOfAddressMax)
    expect((await short(site)).status).toBe(503)
    for (const socket of held.splice(0)) socket.destroy()
    await waitFor('all to be given back', 10, async () => (await short(site)).status === 200)
    await waitFor('the connections to be closed', 10, async () => waiting.size === 0)
    silent.close()
  })
})

describe('by HTTP/2, what answers hold is given back', () => {
  test('where a visitor resets them one by one, and where the connection ends', async () => {
    const [site] = sites as [PublishedSite]
    const session = connectHttp2(preamp.sitesUrl)
    session.on('error', () => undefined)
    const ask = async () => {
      const stream = session.request({ ':path': '/at/begun', ':authority': site.host })
      stream.on('error', () => undefined)
      const { ':status': status } = await new Promise<Record<string, unknown>>((resolve) =>
        stream.once('response', resolve),
      )
      return { stream, status }
    }
    const streams = []
    for (let count = 0; count < proxyFetchesOfAddressMax; count++) streams.push(await ask())
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await ask()).status).toBe(503)
    for (const { stream } of streams.splice(0, 50)) stream.close(8)
    await waitFor('some to be given back', 10, async () => (await short(site)).status === 200)
    for (let count = 0; count < 50; count++) expect((await ask()).status).toBe(200)
    expect((await short(site)).status).toBe(503)
    session.destroy()
    await waitFor('all to be given back', 10, async () => (await short(site)).status === 200)
    await hold(site, proxyFetchesOfAddressMax)
  })
})

describe('an answer that is passed on', () => {
  test('in pieces is whole, and one that is cut short does not look so', async () => {
    expect((await sites[1]!.visit('/at/pieces')).status).toBe(200)
    expect(await (await sites[1]!.visit('/at/pieces')).text()).toBe('onetwo')
    const cut = sites[1]!.visit('/at/broken').then((answer) => answer.text())
    await expect(cut).rejects.toThrow(/closed|ECONNRESET/)
  })

  test('may come from a server whose certificate the operator trusts', async () => {
    expect(await (await sites[1]!.visit('/safe')).text()).toBe('by a certificate of our own')
  })
})

test('a server behind a WebSocket that pings without end loses the connection', async () => {
  const socket = new WebSocket(`${preamp.sitesUrl.replace('http', 'ws')}/pinging`, {
    headers: { host: sites[1]!.host },
  })
  const messages: unknown[] = []
  socket.addEventListener('message', ({ data }) => messages.push(data))
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  socket.addEventListener('close', () => resolve())
  await new Promise((opened) => socket.addEventListener('open', opened))
  socket.send('3')
  await waitFor('a message behind some pings', 10, async () => messages.length === 1)
  socket.send('1000')
  await closed
  expect(messages).toEqual(['pinged'])
})
