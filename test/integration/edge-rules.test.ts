import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { waitFor } from '../support/wait-for.ts'

/** Rules, headers and access of a site through a whole server: saved by the API, seen by a visitor. */

let preamp: TestPreamp
let site: PublishedSite
let upstream: Bun.Server<undefined>
/** Paths of requests that were given up before their answers were through. */
const left: string[] = []
/** Pieces of a body, as they come. */
const taken: string[] = []
const seen: { method: string; url: string; headers: Headers; body: string }[] = []

beforeAll(async () => {
  upstream = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request, server) {
      const { pathname } = new URL(request.url)
      if (pathname === '/socket') {
        return server.upgrade(request, { headers: { 'sec-websocket-protocol': 'chat' } })
          ? undefined
          : new Response('no', { status: 400 })
      }
      request.signal.addEventListener('abort', () => left.push(pathname))
      if (pathname === '/silent') await new Promise(() => undefined)
      if (pathname === '/endless') {
        return new Response(new ReadableStream({ start: (stream) => stream.enqueue('begun') }))
      }
      if (pathname === '/taking') {
        for await (const piece of request.body!) taken.push(new TextDecoder().decode(piece))
        return new Response('taken')
      }
      seen.push({
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: await request.text(),
      })
      if (pathname === '/teapot') {
        return new Response('short and stout', {
          status: 418,
          headers: { 'x-tea': 'green', connection: 'x-hop', 'x-hop': '1' },
        })
      }
      if (pathname === '/back') return fetch(`${preamp.sitesUrl}/api/back`, { headers: forwarded(request) })
      return new Response(`upstream ${pathname}`)
    },
    websocket: {
      message(socket, message) {
        socket.send(typeof message === 'string' ? `echo ${message}` : message)
      },
    },
  })
  preamp = await startPreamp({
    environment: {
      PREAMP_PROXY_HTTP: 'true',
      PREAMP_TRUSTED_PROXIES: '127.0.0.1',
      PREAMP_COUNTRY_HEADER: 'cf-ipcountry',
    },
  })
  site = await createPublishedSite(preamp)
  await site.publish({
    'index.html': '<h1>Home</h1>',
    'about.html': '<h1>About</h1>',
    '404.html': '<h1>Lost</h1>',
    'docs/index.html': '<h1>Docs</h1>',
    'app.js': 'let a = 1',
    'customHttp.yml': '',
  })
})
afterAll(async () => {
  await preamp.stop()
  await upstream.stop(true)
})

function forwarded(request: Request): Headers {
  const headers = new Headers(request.headers)
  headers.set('host', site.host)
  return headers
}

const target = (path: string): string => `http://127.0.0.1:${upstream.port}${path}`

const yaml = (...lines: [pattern: string, key: string, value: string][]): string =>
  `customHeaders:\n${lines.map(([pattern, key, value]) => `  - pattern: '${pattern}'\n    headers: [{ key: ${key}, value: '${value}' }]\n`).join('')}`

const basic = (pair: string) => ({
  headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
})
const credentials = (pair: string) => Buffer.from(pair).toString('base64')

describe('rules', () => {
  test('take effect with the answer of UpdateApp, without a build', async () => {
    await site.setRules(['/old/<*>', '/docs/<*>', '301'])
    const response = await site.visit('/old/a%20b?x=1')
    expect([response.status, response.headers.get('location')]).toEqual([301, '/docs/a%20b?x=1'])
    await site.setRules()
    expect((await site.visit('/old/a.b')).status).toBe(404)
  })

  test('a single-page app shows its start page at deep links, and its files', async () => {
    await site.setRules([
      String.raw`</^[^.]+$|\.(?!(css|gif|ico|jpg|js|png|txt|svg|woff|woff2|ttf|map|json|webp)$)([^.]+$)/>`,
      '/index.html',
      '200',
    ])
    for (const path of ['/', '/users/7', '/users/7/']) {
      const response = await site.visit(path)
      expect([path, response.status, await response.text()]).toEqual([path, 200, '<h1>Home</h1>'])
    }
    expect(await (await site.visit('/app.js')).text()).toBe('let a = 1')
  })

  test('a page for what is not there has status 404, no validators, and is kept by no cache', async () => {
    await site.setRules(['/<*>', '/404.html', '404-200'])
    const response = await site.visit('/nothing.png', {
      headers: { range: 'bytes=0-3', 'if-none-match': '*' },
    })
    expect([response.status, await response.text()]).toEqual([404, '<h1>Lost</h1>'])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('etag')).toBeNull()
  })

  test('a rule for a country looks at what a trusted proxy says', async () => {
    await site.setRules({ source: '/about', target: '/docs/', status: '302', condition: '<US>' })
    const from = async (country: string) =>
      (await site.visit('/about', { headers: { 'cf-ipcountry': country } })).status
    expect([await from('US'), await from('DE'), (await site.visit('/about')).status]).toEqual([302, 200, 200])
  })

  test('an expression that takes too long does not match and holds nobody up', async () => {
    await site.setRules(['</^(\\/a+)+$/>', '/index.html', '200'])
    const started = performance.now()
    expect((await site.visit(`/${'a'.repeat(4000)}!.x`)).status).toBe(404)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('a reverse proxy', () => {
  test('passes on method, query, body and headers, and hands back status, headers and body', async () => {
    await site.setRules(['/api/<*>', target('/<*>'), '200'])
    const response = await site.visit('/api/teapot?a=1', {
      method: 'POST',
      body: 'water',
      headers: { authorization: 'Bearer t', 'x-middleware-subrequest': 'middleware', 'x-mine': '1' },
    })
    expect([response.status, await response.text()]).toEqual([418, 'short and stout'])
    expect(response.headers.get('x-tea')).toBe('green')
    expect(response.headers.get('x-hop')).toBeNull()
    const { method, url, headers, body } = seen.at(-1)!
    expect([method, url, body]).toEqual(['POST', target('/teapot?a=1'), 'water'])
    expect(Object.fromEntries(headers)).toMatchObject({
      host: `127.0.0.1:${upstream.port}`,
      authorization: 'Bearer t',
      'x-mine': '1',
      'x-forwarded-host': site.host,
      'x-forwarded-for': '127.0.0.1',
    })
    expect(headers.get('x-middleware-subrequest')).toBeNull()
  })

  test('hands on a body piece by piece', async () => {
    await site.setRules(['/api/<*>', target('/<*>'), '200'])
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const answered = site.visit('/api/taking', { method: 'POST', body: readable })
    const writer = writable.getWriter()
    void writer.write(Buffer.from('first'))
    await waitFor('the first piece', 5, () => taken.join('') === 'first')
    void writer.write(Buffer.from('second'))
    await waitFor('the second piece', 5, () => taken.join('') === 'firstsecond')
    await writer.close()
    expect(await (await answered).text()).toBe('taken')
  })

  test('tells a target that cannot be reached from one that is not to be reached', async () => {
    await site.setRules(['/gone', 'http://127.0.0.1:1/', '200'], ['/meta', 'http://169.254.169.254/', '200'])
    expect((await site.visit('/gone')).status).toBe(502)
    expect((await site.visit('/meta')).status).toBe(502)
  })

  test('gives up what it fetches for a visitor who has gone, before the answer and in the middle of it', async () => {
    await site.setRules(['/api/<*>', target('/<*>'), '200'])
    const leaving = new AbortController()
    const silent = site.visit('/api/silent', { signal: leaving.signal }).catch(() => 'gone')
    const { body } = await site.visit('/api/endless', { signal: leaving.signal })
    const { value } = await body!.getReader().read()
    expect(new TextDecoder().decode(value)).toBe('begun')
    expect(left).toEqual([])
    leaving.abort()
    expect(await silent).toBe('gone')
    await waitFor('both to be given up', 5, () => left.length === 2)
    expect(left.toSorted()).toEqual(['/endless', '/silent'])
  })

  test('ends a circle of rules', async () => {
    await site.setRules(['/api/<*>', target('/<*>'), '200'])
    expect((await site.visit('/api/back')).status).toBe(508)
  })

  test('carries WebSockets both ways', async () => {
    await site.setRules(['/live', target('/socket'), '200'])
    const socket = new WebSocket(`${preamp.sitesUrl.replace('http', 'ws')}/live`, {
      headers: { host: site.host },
      protocols: ['chat'],
    })
    const messages: unknown[] = []
    const done = Promise.withResolvers<void>()
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => {
      socket.send('hello')
      socket.send(new Uint8Array([1, 2]))
    })
    socket.addEventListener('message', ({ data }) => {
      messages.push(typeof data === 'string' ? data : [...new Uint8Array(data as ArrayBuffer)])
      if (messages.length === 2) done.resolve()
    })
    socket.addEventListener('close', () => done.reject(new Error('closed')))
    await done.promise
    expect([socket.protocol, messages]).toEqual(['chat', ['echo hello', [1, 2]]])
    socket.close()
  })
})

describe('custom headers', () => {
  test('of the app take effect at once, on every kind of answer', async () => {
    await site.setRules(['/old', '/docs/', '301'], ['/api/<*>', target('/<*>'), '200'])
    await site.updateApp({
      customHeaders: yaml(['**', 'X-Frame-Options', 'DENY'], ['**', 'Cache-Control', 's-maxage=5']),
    })
    const etag = (await site.visit('/')).headers.get('etag')!
    const answers: [path: string, init: RequestInit, status: number, cached: boolean][] = [
      ['/', {}, 200, true],
      ['/', { headers: { 'if-none-match': etag } }, 304, true],
      ['/', { headers: { range: 'bytes=0-1' } }, 206, true],
      ['/', { headers: { range: 'bytes=99-' } }, 416, false],
      ['/', { headers: { 'if-match': '"other"' } }, 412, false],
      ['/docs', {}, 301, false],
      ['/old', {}, 301, false],
      ['/none.png', {}, 404, false],
      ['/', { method: 'DELETE' }, 405, false],
      ['/api/teapot', {}, 418, false],
      ['/api/page', {}, 200, true],
    ]
    for (const [path, init, status, cached] of answers) {
      const { status: answered, headers } = await site.visit(path, init)
      const isOwn = headers.get('cache-control') === 's-maxage=5'
      expect([path, answered, headers.get('x-frame-options'), isOwn]).toEqual([path, status, 'DENY', cached])
    }
  })

  test.each([
    [
      [
        ['**/*', 'X', 'a'],
        ['/foo/*.html', 'X', 'b'],
      ],
      '/foo/foo.123.html',
      { x: 'b' },
    ],
    [
      [
        ['**/*', 'X', 'a'],
        ['/foo/*.html', 'X', 'b'],
      ],
      '/bar.js',
      { x: 'a' },
    ],
    [
      [
        ['/foo/*.html', 'X', 'b'],
        ['**/*', 'X', 'a'],
      ],
      '/foo/foo.123.html',
      { x: 'a' },
    ],
    [
      [
        ['**/*', 'A', '1'],
        ['**/*.css', 'B', '2'],
      ],
      '/s/x.css',
      { a: '1', b: '2' },
    ],
    [[['*.css', 'B', '2']], '/s/x.css', { b: null }],
    [[['*.css', 'B', '2']], '/x.css', { b: '2' }],
    [[['/img/{a,b}.*', 'B', '2']], '/img/b.png', { b: '2' }],
  ] as [[string, string, string][], string, Record<string, string | null>][])(
    '%j at %s',
    async (entries, path, expected) => {
      await site.updateApp({ customHeaders: yaml(...entries) })
      const { headers } = await site.visit(path)
      for (const [name, value] of Object.entries(expected)) expect(headers.get(name)).toBe(value)
    },
  )

  test('those of customHttp.yml go before those of the app', async () => {
    await site.updateApp({ customHeaders: yaml(['**', 'x-from', 'app']) })
    await site.publish({ 'index.html': '<h1>Home</h1>', 'customHttp.yml': yaml(['**', 'x-from', 'file']) })
    expect((await site.visit('/')).headers.get('x-from')).toBe('file')
    await site.publish({ 'index.html': '<h1>Home</h1>', 'about.html': '<h1>About</h1>' })
    expect((await site.visit('/')).headers.get('x-from')).toBe('app')
  })
})

describe('access', () => {
  test('asks for the password of the app, or of the branch before it, and takes it at once', async () => {
    await site.setRules(['/old', '/docs/', '301'])
    await site.updateApp({ enableBasicAuth: true, basicAuthCredentials: credentials('u:pässword') })
    const refused = await site.visit('/old')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="site", charset="UTF-8"',
    ])
    expect((await site.visit('/', { method: 'OPTIONS' })).status).toBe(401)
    expect((await site.visit('/', basic('u:pässword'))).status).toBe(200)
    expect((await site.visit('/', basic('u:x'))).status).toBe(401)
    await site.updateBranch({
      enableBasicAuth: true,
      basicAuthCredentials: credentials('x:secret-of-branch'),
    })
    expect((await site.visit('/', basic('u:pässword'))).status).toBe(401)
    expect((await site.visit('/', basic('x:secret-of-branch'))).status).toBe(200)
    await site.updateBranch({ enableBasicAuth: false })
    expect((await site.visit('/')).status).toBe(401)
    await site.updateApp({ enableBasicAuth: false })
    expect((await site.visit('/')).status).toBe(200)
  })

  test('by address, as trusted proxies tell it', async () => {
    await site.setOptions({ deniedAddresses: '192.0.2.0/24' })
    const from = async (chain: string) =>
      (await site.visit('/', { headers: { 'x-forwarded-for': chain } })).status
    expect([
      await from('192.0.2.7'),
      await from('198.51.100.1'),
      await from('192.0.2.7, 198.51.100.1'),
    ]).toEqual([403, 200, 200])
    await site.setOptions({ deniedAddresses: '', allowedAddresses: '198.51.100.1' })
    expect([await from('192.0.2.7'), await from('198.51.100.1')]).toEqual([403, 200])
    await site.setOptions({ allowedAddresses: '' })
  })

  test('a page for the time of maintenance', async () => {
    await site.setOptions({ maintenance: true })
    const response = await site.visit('/')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '120'])
    await site.setOptions({ maintenance: '' })
    expect((await site.visit('/')).status).toBe(200)
  })
})
