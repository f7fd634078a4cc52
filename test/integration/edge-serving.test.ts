import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

import { pino } from 'pino'

import { createEdge, type Edge } from '../../src/edge/edge.ts'
import { getRaw, sendRaw } from '../support/raw-http.ts'
import { createSiteStore, type SiteStore } from '../support/site-store.ts'

const page = '<h1>Home</h1>'
const longText = 'a line of a long text\n'.repeat(20_000)
const image = crypto.getRandomValues(new Uint8Array(3000))
const film = new Uint8Array(3_000_000).map((_, position) => position % 251)
const script = 'export const answer = 42\n'.repeat(200)

let store: SiteStore
let edge: Edge
let port: number

beforeAll(async () => {
  store = await createSiteStore()
  await store.deploy({
    'index.html': page,
    'about.html': '<h1>About</h1>',
    'docs/index.html': '<h1>Docs</h1>',
    'app.js': script,
    'long.txt': longText,
    'image.png': image,
    'film.mp4': film,
    'empty.txt': '',
    __proto__x: 'odd',
  })
  edge = createEdge({
    ...store,
    siteSuffix: 'localhost',
    memoryBytes: 16 * 1024 * 1024,
    credentialsKey: new Uint8Array(32),
    log: pino({ level: 'silent' }),
  })
  port = edge.listen({ host: '127.0.0.1', port: 0 }).port
})

afterAll(async () => {
  await edge.stop()
  await store.close()
})

function visit(path: string, init: RequestInit & { decompress?: boolean } = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    redirect: 'manual',
    decompress: false,
    ...init,
    headers: { host: store.host, 'accept-encoding': 'identity', ...(init.headers as Record<string, string>) },
  })
}

describe('a file', () => {
  test('has its type, validators and cache headers', async () => {
    const response = await visit('/')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(page)
    const { headers } = response
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('cache-control')).toBe('public, max-age=0, s-maxage=31536000')
    expect(headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/)
    expect(headers.get('accept-ranges')).toBe('bytes')
    expect(headers.get('content-length')).toBe(String(page.length))
    expect(Date.now() - Date.parse(headers.get('last-modified')!)).toBeLessThan(600_000)
  })

  test.each([
    ['/about', 200, '<h1>About</h1>'],
    ['/about?x=/y', 200, '<h1>About</h1>'],
    ['/docs/', 200, '<h1>Docs</h1>'],
    ['/about/', 404, undefined],
    ['/missing.css', 404, undefined],
    ['/%zz', 400, undefined],
    ['/__proto__x', 200, 'odd'],
  ])('%s is %d', async (path, status, body) => {
    // Twice: the second time a decision may come from memory.
    for (let time = 0; time < 2; time++) {
      const response = await visit(path)
      expect(response.status).toBe(status)
      const text = await response.text()
      if (body !== undefined) expect(text).toBe(body)
      else expect(response.headers.get('cache-control')).toBe('no-store')
    }
  })

  test('in a folder without its slash is a redirect that keeps the query', async () => {
    const response = await visit('/docs?a=b&c=/d')
    expect(response.status).toBe(301)
    expect(response.headers.get('location')).toBe('/docs/?a=b&c=/d')
  })

  test('of no bytes is an answer of no bytes', async () => {
    const response = await visit('/empty.txt')
    expect([response.status, await response.text(), response.headers.get('content-length')]).toEqual([
      200,
      '',
      '0',
    ])
  })

  test.each(['/', '/film.mp4', '/missing.css'])('HEAD of %s has the headers of GET', async (path) => {
    const [get, head] = await Promise.all([visit(path), visit(path, { method: 'HEAD' })])
    expect(await head.text()).toBe('')
    expect(head.status).toBe(get.status)
    await get.arrayBuffer()
    for (const name of ['content-length', 'content-type', 'etag', 'cache-control', 'last-modified']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name))
    }
  })

  test('is not sent again to whoever has it', async () => {
    const first = await visit('/app.js')
    for (const headers of [
      { 'if-none-match': first.headers.get('etag')! },
      { 'if-modified-since': first.headers.get('last-modified')! },
    ]) {
      const response = await visit('/app.js', { headers })
      expect(response.status).toBe(304)
      expect(response.headers.get('etag')).toBe(first.headers.get('etag'))
      expect(await response.text()).toBe('')
    }
    expect((await visit('/app.js', { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    expect((await visit('/app.js', { headers: { 'if-match': '"other"' } })).status).toBe(412)
  })
})

describe.each([
  ['a small file', '/image.png', image],
  ['a file that is streamed', '/film.mp4', film],
])('%s in parts', (_name, path, bytes) => {
  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=2990-', 2990, undefined],
    ['bytes=-7', -7, undefined],
  ])('%s', async (range, start, end) => {
    const response = await visit(path, { headers: { range } })
    expect(response.status).toBe(206)
    const part = bytes.slice(start, end)
    expect(await response.bytes()).toEqual(part)
    const first = start < 0 ? bytes.length + start : start
    expect(response.headers.get('content-range')).toBe(
      `bytes ${first}-${first + part.length - 1}/${bytes.length}`,
    )
  })

  test('beyond its end there are none', async () => {
    const response = await visit(path, { headers: { range: `bytes=${bytes.length}-` } })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe(`bytes */${bytes.length}`)
  })

  test('several ranges, or those of another version, get the whole', async () => {
    for (const headers of [
      { range: 'bytes=0-1,5-6' },
      { range: 'bytes=0-1', 'if-range': '"other"' },
    ] as Record<string, string>[]) {
      const response = await visit(path, { headers })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-range')).toBeNull()
      expect(await response.bytes()).toEqual(bytes)
    }
  })

  test('If-Range of this version gets the part', async () => {
    const etag = (await visit(path, { method: 'HEAD' })).headers.get('etag')!
    const response = await visit(path, { headers: { range: 'bytes=0-1', 'if-range': etag } })
    expect([response.status, (await response.bytes()).length]).toEqual([206, 2])
  })
})

describe('compression', () => {
  test.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const)('%s of a text', async (encoding, unpack) => {
    const plain = await visit('/app.js')
    const response = await visit('/app.js', { headers: { 'accept-encoding': encoding } })
    expect(response.headers.get('content-encoding')).toBe(encoding)
    expect(response.headers.get('vary')).toBe('Accept-Encoding')
    expect(plain.headers.get('vary')).toBe('Accept-Encoding')
    expect(response.headers.get('etag')).not.toBe(plain.headers.get('etag'))
    const packed = await response.bytes()
    expect(packed.length).toBeLessThan(script.length / 4)
    expect(response.headers.get('content-length')).toBe(String(packed.length))
    expect(unpack(packed).toString()).toBe(script)

    const again = await visit('/app.js', {
      headers: { 'accept-encoding': encoding, 'if-none-match': response.headers.get('etag')! },
    })
    expect(again.status).toBe(304)
    const head = await visit('/app.js', { method: 'HEAD', headers: { 'accept-encoding': encoding } })
    expect(head.headers.get('content-length')).toBe(String(packed.length))
  })

  test('a long text goes out as it is until it has been compressed', async () => {
    const headers = { 'accept-encoding': 'br' }
    const first = await visit('/long.txt', { headers })
    expect(first.headers.get('content-encoding')).toBeNull()
    expect(await first.text()).toBe(longText)
    for (;;) {
      const response = await visit('/long.txt', { headers })
      const bytes = await response.bytes()
      if (response.headers.get('content-encoding') !== 'br') continue
      expect(brotliDecompressSync(bytes).toString()).toBe(longText)
      break
    }
  })

  test.each(['/image.png', '/', '/film.mp4'])('%s is sent as it is', async (path) => {
    const response = await visit(path, { headers: { 'accept-encoding': 'br, gzip' } })
    expect(response.headers.get('content-encoding')).toBeNull()
    await response.arrayBuffer()
  })
})

describe('hosts and methods', () => {
  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is not allowed', async (method) => {
    const response = await visit('/', { method, body: method === 'DELETE' ? null : 'x' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })

  test('OPTIONS tells the methods', async () => {
    const response = await visit('/', { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  })

  test.each([
    ['its own', () => store.host, 200],
    ['with a port', () => `${store.host}:1234`, 200],
    ['in capitals', () => store.host.toUpperCase(), 200],
    ['with a dot at its end', () => `${store.host}.`, 200],
    ['of another branch', () => `other.${store.appId}.localhost`, 404],
    ['of the app alone', () => `${store.appId}.localhost`, 404],
    ['of nobody', () => 'example.com', 404],
    ['an address', () => '127.0.0.1', 404],
    ['doubled', () => `${store.host}\r\nHost: ${store.host}`, 400],
    ['with a path', () => `${store.host}/x`, 400],
    ['with a user', () => `user@${store.host}`, 400],
    ['with spaces', () => 'a b', 400],
    ['empty', () => '', 400],
    ['with a port that is none', () => `${store.host}:99999`, 400],
  ])('a Host %s', async (_name, host, status) => {
    expect((await getRaw(port, host(), '/')).status).toBe(status)
  })

  test('no Host at all', async () => {
    expect((await sendRaw(port, 'GET / HTTP/1.0\r\n\r\n')).status).toBe(400)
    expect((await sendRaw(port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).status).toBe(400)
  })
})

describe('hostile paths', () => {
  test.each([
    ['/../../etc/passwd', 404, 301],
    ['/%2e%2e/%2e%2e/etc/passwd', 404, 301],
    ['/..%2f..%2fetc%2fpasswd', 404, 404],
    ['/..%5c..%5cetc', 404, 404],
    ['/docs/..%2findex.html', 404, 404],
    ['/%00', 301, 301],
  ])('%s leads nowhere', async (target, ...statuses) => {
    const answer = await getRaw(port, store.host, target)
    expect(statuses).toContain(answer.status)
    if (answer.status === 301) expect(answer.headers['location']).toMatch(/^\/[^/\\]/)
    expect(answer.body).not.toContain('root:')
  })

  test.each([
    '//evil.example/x',
    '/\\evil.example/x',
    '/%2F%2Fevil.example/x',
    '///evil.example/x',
    '/%5Cevil.example/x',
  ])('%s stays on this host', async (target) => {
    const answer = await getRaw(port, store.host, target)
    expect(answer.status).toBe(301)
    expect(answer.headers['location']).toMatch(/^\/[^/\\]/)
  })

  test('a redirect carries no line break', async () => {
    const answer = await getRaw(port, store.host, '/x%0d%0aset-cookie:%20a=b')
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(answer.headers['location']).toBe('/x%0D%0Aset-cookie:%20a=b/')
  })
})
