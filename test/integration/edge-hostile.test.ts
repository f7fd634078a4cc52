import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { gunzipSync, gzipSync } from 'node:zlib'

import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { getRaw, rawStatuses, sendRaw } from '../support/raw-http.ts'
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'

/** Hostile requests to a whole server. docs/security.md has a row for each of these, with what happens. */

let preamp: TestPreamp
let site: PublishedSite
let upstream: RawUpstream
let port: number

beforeAll(async () => {
  upstream = await startRawUpstream()
  preamp = await startPreamp({ environment: { PREAMP_PROXY_HTTP: 'true' } })
  port = Number(new URL(preamp.sitesUrl).port)
  site = await createPublishedSite(preamp)
  await site.publish({
    'index.html': '<h1>Home</h1>',
    'a.txt': '0123456789'.repeat(1000),
    'secret/x.txt': 'below a folder',
    'customHttp.yml': [
      'customHeaders:',
      '  - pattern: "**"',
      '    headers:',
      '      - { key: X-Own, value: "a" }',
    ].join('\n'),
  })
  await site.setOptions({ expressionGroups: true })
  await site.setRules(
    ['/api/<*>', `http://127.0.0.1:${upstream.port}/<*>`, '200'],
    ['/to/<place>', '/<place>', '302'],
    ['/far/<*>', 'https://example.com/<*>', '302'],
    ['/part-<n>/x', `http://127.0.0.1:${upstream.port}/pub/<n>/x`, '200'],
    ['/rest-<*>', `http://127.0.0.1:${upstream.port}/pub/<*>`, '200'],
    { source: '/id?id=<id>', target: `http://127.0.0.1:${upstream.port}/pub/<id>`, status: '200' },
    ['/go-<*>', '/docs/<*>', '302'],
    ['</^\\/group-(.*)$/>', `http://127.0.0.1:${upstream.port}/pub/$1`, '200'],
    ['/ask/<id>', `http://127.0.0.1:${upstream.port}/find?id=<id>&limit=1`, '200'],
    ['/dots/<*>', `http://127.0.0.1:${upstream.port}/pub/../open/<*>`, '200'],
    { source: '/query?q=<value>', target: '/found/<value>?was=<value>', status: '302' },
  )
})
afterAll(async () => {
  await preamp.stop()
  await upstream.stop()
})

const host = () => `Host: ${site.host}\r\n`
const bytes = (text: string) => Buffer.from(text, 'latin1')
/** What a request that was taken for two would show: its own answer. */
const last = () => `GET /last.txt HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`
const post = (headers: string, body: string, path = '/a.txt') =>
  bytes(`POST ${path} HTTP/1.1\r\n${host()}${headers}\r\n${body}${last()}`)

describe('where a request ends', () => {
  const smuggled = '0\r\n\r\n'
  test.each([
    ['length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', smuggled],
    ['chunks and length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', smuggled],
    ['xchunked', 'Transfer-Encoding: xchunked\r\n', smuggled],
    ['chunked, identity', 'Transfer-Encoding: chunked, identity\r\n', smuggled],
    ['identity, chunked', 'Transfer-Encoding: identity, chunked\r\n', smuggled],
    ['gzip, chunked', 'Transfer-Encoding: gzip, chunked\r\n', smuggled],
    ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', smuggled],
    [
      'chunked and identity in two lines',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
      smuggled,
    ],
    ['a vertical tab', 'Transfer-Encoding:\x0bchunked\r\n', smuggled],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n', smuggled],
    ['a folded line', 'Transfer-Encoding:\r\n chunked\r\n', smuggled],
    ['no value', 'Transfer-Encoding:\r\n', smuggled],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'abcde'],
    ['two lengths in one line', 'Content-Length: 5,6\r\n', 'abcde'],
    ['a sign', 'Content-Length: +5\r\n', 'abcde'],
    ['less than nothing', 'Content-Length: -5\r\n', 'abcde'],
    ['hexadecimal', 'Content-Length: 0x5\r\n', 'abcde'],
    ['more than 64 bits', 'Content-Length: 18446744073709551621\r\n', 'abcde'],
    ['no length', 'Content-Length:\r\n', 'abcde'],
    ['a header that ends with a line feed', 'X-A: 1\nX-B: 2\r\n', ''],
    ['a carriage return in a header', 'X-A: 1\rX-B: 2\r\n', ''],
    ['NUL in a header', 'X-A: 1\0\r\n', ''],
    ['a folded header', 'X-A: 1\r\n X-B: 2\r\n', ''],
    ['a space in a name', 'X A: 1\r\n', ''],
    ['no name', ': 1\r\n', ''],
    ['no colon', 'XYZ\r\n', ''],
  ])('%s: refused, and nothing behind it is read', async (_, headers, body) => {
    expect(await rawStatuses(port, post(headers, body))).toEqual([400])
  })

  test.each([
    ['a sign', '+5\r\nabcde\r\n0\r\n\r\n'],
    ['a prefix', '0x5\r\nabcde\r\n0\r\n\r\n'],
    ['a space', '5 \r\nabcde\r\n0\r\n\r\n'],
    ['more than 64 bits', '10000000000000005\r\nabcde\r\n0\r\n\r\n'],
    ['a line feed alone', '5\nabcde\n0\n\n'],
    ['an extension that ends with a line feed', '5;a\nabcde\r\n0\r\n\r\n'],
    ['no line end behind it', '5\r\nabcdeXX0\r\n\r\n'],
  ])('a chunk whose length has %s ends the connection', async (_, chunks) => {
    const statuses = await rawStatuses(port, post('Transfer-Encoding: chunked\r\n', chunks))
    // The answer of 405 may be under way when the chunk is read.
    expect(statuses.filter((status) => status !== 405)).toEqual([400])
    expect(statuses).not.toContain(404)
  })

  test.each([
    ['equal lengths', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'abcde'],
    ['another case', 'Transfer-Encoding: Chunked\r\n', '5\r\nabcde\r\n0\r\n\r\n'],
    ['chunk extensions', 'Transfer-Encoding: chunked\r\n', '5;a=b;c="d"\r\nabcde\r\n0\r\n\r\n'],
  ])('%s say the same to everybody: both requests are answered', async (_, headers, body) => {
    expect(await rawStatuses(port, post(headers, body))).toEqual([405, 404])
  })

  test.each([
    ['line feeds alone', 'GET / HTTP/1.1\nHost: a\n\n', 505],
    ['HTTP/0.9', 'GET /\r\n\r\n', 505],
    ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
    ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['NUL in the target', 'GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n', 505],
    ['two spaces', 'GET  /  HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ])('%s: refused', async (_, request, status) => {
    expect(await rawStatuses(port, bytes(request))).toEqual([status])
  })
})

const sent = async (head: string) => (await sendRaw(port, `GET ${head}Connection: close\r\n\r\n`)).status

describe('the host', () => {
  test('is one name, written in any way', async () => {
    const { host: name } = site
    const [label, ...others] = name.split('.')
    const upper = `${label!.toUpperCase()}.${others.join('.')}`
    for (const spelled of [name, upper, name.replace(/(:|$)/, '.$1'), name.replace(/:.*|$/, ':1')]) {
      expect([spelled, await sent(`/ HTTP/1.1\r\nHost: ${spelled}\r\n`)]).toEqual([spelled, 200])
    }
  })

  test.each([
    ['none', ''],
    ['two', 'Host: a.localhost\r\nHost: b.localhost\r\n'],
    ['a user', 'Host: user:password@a.localhost\r\n'],
    ['a path', 'Host: a.localhost/b\r\n'],
    ['a list', 'Host: a.localhost, b.localhost\r\n'],
    ['a port that is none', 'Host: a.localhost:99999\r\n'],
    ['a space', 'Host: a localhost\r\n'],
  ])('%s: 400', async (_, line) => {
    expect(await sent(`/ HTTP/1.1\r\n${line}`)).toBe(400)
  })

  test.each(['[::1]', '127.0.0.1', 'localhost', 'evil.example'])('%s is nobody’s', async (name) => {
    expect(await sent(`/ HTTP/1.1\r\nHost: ${name}\r\n`)).toBe(404)
  })

  test('is the one of the header, whatever the target, X-Forwarded-Host or Forwarded name', async () => {
    expect(await sent(`http://evil.example/a.txt HTTP/1.1\r\n${host()}`)).toBe(200)
    expect(await sent(`http://${site.host}/a.txt HTTP/1.1\r\nHost: evil.example\r\n`)).toBe(404)
    expect(await sent(`/a.txt HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: ${site.host}\r\n`)).toBe(
      404,
    )
    expect(await sent(`/a.txt HTTP/1.1\r\nHost: evil.example\r\nForwarded: host=${site.host}\r\n`)).toBe(404)
    expect(await sent(`/a.txt HTTP/1.1\r\n${host()}X-Forwarded-Host: evil.example\r\n`)).toBe(200)
  })
})

describe('a method', () => {
  test.each(['CONNECT', 'TRACE'])('%s is refused, before rules too', async (method) => {
    for (const target of ['/', '/api/x', 'evil.example:443']) {
      const answer = await sendRaw(
        port,
        `${method} ${target} HTTP/1.1\r\n${host()}Connection: close\r\nCookie: a=b\r\n\r\n`,
      )
      expect([target, [400, 405].includes(answer.status)]).toEqual([target, true])
      expect(answer.body).not.toContain('a=b')
    }
    expect(upstream.taken()).toEqual([])
  })

  test.each(['FOO', 'get'])('%s is none: the connection ends', async (method) => {
    expect(await rawStatuses(port, `${method} / HTTP/1.1\r\n${host()}\r\n${last()}`)).toEqual([])
  })
})

describe('a path', () => {
  test.each([
    '/secret/../../../../etc/passwd',
    '/secret/..%2f..%2f..%2fetc%2fpasswd',
    '/..%252f..%252fetc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%5c..%5cetc%5cpasswd',
    String.raw`/..\..\etc\passwd`,
    '/.%00./etc/passwd',
    '/a.txt%00.html',
    '/%c0%ae%c0%ae/etc/passwd',
    '/%e0%80%ae%e0%80%ae/etc/passwd',
    '//etc/passwd',
    '/;/../etc/passwd',
  ])('%s is a name that no file has', async (target) => {
    const { status, body } = await getRaw(port, site.host, target)
    expect([target, [301, 400, 404].includes(status)]).toEqual([target, true])
    expect(body).not.toContain('root:')
  })

  test('cannot leave the folder that a rule leads to', async () => {
    for (const target of ['/to/..%2fsecret', '/to/%2e%2e%2f%2e%2e', '/to/..%5csecret']) {
      const { status, headers } = await getRaw(port, site.host, target)
      if (status === 302) expect(headers['location']).toMatch(/^\/(?![/\\])/)
    }
  })
})

describe('what is taken from a request', () => {
  test.each([
    ['/to/%0d%0aSet-Cookie:%20a=b', '/%0d%0aSet-Cookie:%20a=b'],
    ['/to/%5cevil.example', '/%5cevil.example'],
    ['/to/%2fevil.example', '/%2fevil.example'],
    ['/far/%0d%0aX-A:1', 'https://example.com/%0d%0aX-A:1'],
    ['/far/@evil.example/', 'https://example.com/@evil.example/'],
    ['/query?q=%0d%0aX-A:%201', undefined],
    ['/query?q=//evil.example', undefined],
  ])('%s stays inside of Location', async (target, expected) => {
    const { status, headers } = await getRaw(port, site.host, target)
    expect(status).toBe(302)
    expect(headers['x-a']).toBeUndefined()
    expect(headers['set-cookie']).toBeUndefined()
    const location = headers['location']!
    expect(location).toMatch(/^(\/(?![/\\])|https:\/\/example\.com\/)[\x21-\x7e]*$/)
    if (expected !== undefined) expect(location).toBe(expected)
  })

  test('a line break in a rule or a header of an app is refused when it is saved, or encoded', async () => {
    const before = {
      customHeaders: 'customHeaders:\n  - pattern: "**"\n    headers: [{ key: X-Own, value: a }]\n',
    }
    const broken =
      'customHeaders:\n  - pattern: "**"\n    headers: [{ key: X-Own, value: "a\\r\\nX-Evil: 1" }]\n'
    const saved = await site.updateApp({ customHeaders: broken }).then(
      () => true,
      () => false,
    )
    if (saved) {
      expect((await getRaw(port, site.host, '/a.txt')).headers['x-evil']).toBeUndefined()
      await site.updateApp(before)
    }
    expect(saved).toBe(false)
  })
})

describe('a placeholder', () => {
  const dots = [
    '..',
    '.',
    '%2e%2e',
    '.%2e',
    '%2E.',
    '..%2f..%2fadmin',
    'a%2f..%2f..%2fadmin',
    '..%5cadmin',
    'a%5c..',
    '..;a',
  ]
  test.each(
    dots.flatMap((text) => [
      `/part-${text}/x`,
      `/rest-${text}`,
      `/id?id=${text}`,
      `/go-${text}`,
      `/group-${text}`,
    ]),
  )('%s does not lead out of the folder of a target: 400', async (target) => {
    const { status, headers } = await getRaw(port, site.host, target)
    expect([target, status, headers['location']]).toEqual([target, 400, undefined])
    expect(upstream.taken()).toEqual([])
  })

  test.each([
    ['/rest-..admin/a..b/...', '/pub/..admin/a..b/...'],
    ['/part-1.2/x', '/pub/1.2/x'],
    ['/id?id=a.%20..b', '/pub/a.%20..b'],
    ['/id?id=http://evil.example/?x%23y', '/pub/http%3A%2F%2Fevil.example%2F%3Fx%23y'],
    ['/group-@evil.example:80', '/pub/@evil.example:80'],
    ['/ask/1&limit=1000+2', '/find?id=1%26limit=1000%2B2&limit=1'],
    ['/dots/a', '/open/a'],
  ])('%s stays where the target says: %s', async (target, asked) => {
    expect((await getRaw(port, site.host, target)).status).toBe(200)
    expect(upstream.taken()[0]!.split('\r\n')[0]).toBe(`GET ${asked} HTTP/1.1`)
  })

  test.each([
    'https://<a>.example.com/',
    'https://example.com<a>/',
    'https://example.com:<a>/',
    'https://<a>@example.com/',
  ])('has no place in the host, the port or the user of a target: %s', async (target) => {
    const other = await createPublishedSite(preamp)
    await other.publish({ 'index.html': '' })
    await other.setRules(['/to/<a>', target, '302'], ['/fetched/<a>', target, '200'])
    expect((await getRaw(port, other.host, '/to/evil.txt')).status).toBe(404)
    expect((await getRaw(port, other.host, '/fetched/evil.txt')).status).toBe(404)
  })
})

const manyHeaders = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: 1\r\n`).join('')

describe('too much', () => {
  test.each([
    ['a header of 20 KB', () => `/ HTTP/1.1\r\n${host()}X: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['an address of 20 KB', () => `/${'a'.repeat(20_000)} HTTP/1.1\r\n${host()}\r\n`, 431],
    ['300 headers', () => `/ HTTP/1.1\r\n${host()}${manyHeaders(300)}\r\n`, 431],
    [
      'headers of 10 KB',
      () => `/ HTTP/1.1\r\n${host()}X: ${'a'.repeat(10_000)}\r\nConnection: close\r\n\r\n`,
      200,
    ],
  ])('%s', async (_, request, status) => {
    expect(await rawStatuses(port, `GET ${request()}`)).toEqual([status])
  })

  test('of a body is refused by its length, and by what has come of it', async () => {
    const large = 2 * 1024 * 1024
    for (const path of ['/a.txt', '/api/large']) {
      const head = `POST ${path} HTTP/1.1\r\n${host()}Connection: close\r\n`
      const { status, headers, body } = await sendRaw(port, `${head}Content-Length: ${large}\r\n\r\n`)
      expect([status, headers['connection']]).toEqual([413, 'close'])
      expect(body).toContain('A request may bring 1 MiB at most.')
      expect(body).toContain(`Request ${headers['x-amz-cf-id']}<`)
      const chunks = `${large.toString(16)}\r\n${'a'.repeat(large)}\r\n0\r\n\r\n`
      const statuses = await rawStatuses(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`).catch(
        () => [],
      )
      expect(statuses).not.toContain(200)
    }
  })

  test.each([
    ['many ranges', `bytes=${Array.from({ length: 500 }, (_, n) => `${n}-${n + 9}`).join()}`, 200, 10_000],
    ['overlapping ranges', `bytes=${'0-,'.repeat(1000)}0-`, 200, 10_000],
    ['one range', 'bytes=0-9', 206, 10],
    ['a range out of all bounds', 'bytes=99999999999999999999-', 416, undefined],
  ])('%s: no answer is longer than the file', async (_, range, status, length) => {
    const request = `GET /a.txt HTTP/1.1\r\n${host()}Range: ${range}\r\nConnection: close\r\n\r\n`
    const answer = await sendRaw(port, request)
    expect(answer.status).toBe(status)
    if (length !== undefined) expect(answer.body.length).toBe(length)
  })
})

/** Sends a request that a rule passes on. @returns what came of it at the server behind */
async function pass(headers: string, body = '', method = 'POST') {
  const request = `${method} /api/x HTTP/1.1\r\n${host()}Connection: close\r\n${headers}\r\n${body}`
  const [status] = await rawStatuses(port, bytes(request))
  // What is too long was handed on as far as it came, by the test of that.
  const taken = upstream.taken().filter((text) => !text.startsWith('POST /large '))
  return { status, taken }
}
/** Header lines in lower case, and what follows them. */
function read(text: string): { lines: string[]; body: string } {
  const end = text.indexOf('\r\n\r\n')
  return { lines: text.slice(0, end).toLowerCase().split('\r\n'), body: text.slice(end + 4) }
}

describe('a server behind a rule', () => {
  test.each([
    ['a length', 'Content-Length: 5\r\n', 'abcde'],
    ['equal lengths', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'abcde'],
    ['a length with zeros', 'Content-Length: 0005\r\n', 'abcde'],
    ['chunks with extensions', 'Transfer-Encoding: Chunked\r\n', '5;a=b\r\nabcde\r\n0\r\n\r\n'],
    ['a length that Connection names', 'Connection: content-length\r\nContent-Length: 5\r\n', 'abcde'],
    ['Expect', 'Expect: 100-continue\r\nContent-Length: 5\r\n', 'abcde'],
  ])('is sent one request with one length: %s', async (_, headers, body) => {
    const { status, taken } = await pass(headers, body)
    expect([100, 200]).toContain(status!)
    expect(taken).toHaveLength(1)
    const { lines, body: received } = read(taken[0]!)
    const framing = lines.filter((line) => /^(content-length|transfer-encoding):/.test(line))
    expect(framing).toHaveLength(1)
    if (framing[0] === 'transfer-encoding: chunked') expect(received).toBe('5\r\nabcde\r\n0\r\n\r\n')
    else expect([framing[0], received]).toEqual(['content-length: 5', 'abcde'])
    expect(lines.filter((line) => /^(expect|te|trailer):/.test(line))).toEqual([])
  })

  test('is not sent the body of a GET, nor what it could be taken for', async () => {
    const hidden = `GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n`
    const { taken } = await pass(`Content-Length: ${hidden.length}\r\n`, hidden, 'GET')
    expect(taken).toHaveLength(1)
    expect(taken[0]).not.toContain('hidden')
  })

  test.each([
    ['h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'],
    ['another protocol', 'Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n'],
    ['a WebSocket without a key', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
  ])('is asked for no upgrade to %s', async (_, headers) => {
    const { taken } = await pass(headers, '', 'GET')
    expect(taken).toHaveLength(1)
    expect(read(taken[0]!).lines.filter((line) => /^(upgrade|http2-settings):|: upgrade/.test(line))).toEqual(
      [],
    )
  })

  test('hears nothing of where a stranger says to come from, nor what frameworks tell themselves', async () => {
    const lies = [
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Port: 1',
      'X_Forwarded_For: 203.0.113.9',
      'X-Forwarded-Prefix: /evil',
      'Forwarded: for=203.0.113.9;host=evil.example',
      'X-Real-IP: 203.0.113.9',
      'True-Client-IP: 203.0.113.9',
      'CF-Connecting-IP: 203.0.113.9',
      'X-Original-URL: /evil',
      'X-Rewrite-URL: /evil',
      'X-Middleware-Subrequest: evil',
      'X_Middleware_Subrequest: evil',
      'X-Invoke-Path: /evil',
      'X-Now-Route-Matches: evil',
      'X-Matched-Path: /evil',
      'Next-Resume: evil',
      'X-NextJS-Data: evil',
      'X-Middleware-Prefetch: evil',
      'Content-Security-Policy: evil',
      'X-Vinext-MW-Ctx: evil',
      'X-Astro-Path: /evil',
      'X.Middleware.Subrequest: evil',
      'X-Original-Forwarded-For: 203.0.113.9',
      'CF-Connecting-IPv6: evil',
      'X-Vercel-Forwarded-For: 203.0.113.9',
      'X-Vercel-IP-Country: evil',
      'X-Envoy-External-Address: 203.0.113.9',
      'X-NF-Client-Connection-IP: 203.0.113.9',
      'Client-IP: 203.0.113.9',
      'Proxy: evil',
      'X-React-Router-SPA-Mode: evil',
      'X-Preamp-Anything: evil',
      'Content_Length: 5evil',
      'Transfer_Encoding: evil',
      'Transfer.Encoding: evil',
      'X_Amz_Cf_Id: evil',
      'Content_Type: evil',
    ]
    const { taken } = await pass(`${lies.join('\r\n')}\r\n`, '', 'GET')
    const { lines } = read(taken[0]!)
    expect(lines.filter((line) => /evil|203\.0\.113\.9/.test(line))).toEqual([])
    expect(lines.filter((line) => /^x[-_]forwarded/.test(line)).toSorted()).toEqual([
      'x-forwarded-for: 127.0.0.1',
      `x-forwarded-host: ${site.host}`,
      'x-forwarded-proto: http',
    ])
  })

  test('is told the host in its one spelling, whatever the visitor has made of it', async () => {
    const [name, own = ''] = site.host.split(':') as [string, string?]
    for (const [spelled, told] of [
      [name.toUpperCase(), name],
      [`${name}.`, name],
      [`${name}:`, name],
      [`${name}:1`, name],
      [`${name.toUpperCase()}.:${own}`, site.host],
    ]) {
      await rawStatuses(port, `GET /api/x HTTP/1.1\r\nHost: ${spelled}\r\nConnection: close\r\n\r\n`)
      expect([spelled, ...read(upstream.taken()[0]!).lines]).toContain(`x-forwarded-host: ${told}`)
    }
  })

  test('hears what browsers and tests say to frameworks', async () => {
    const said = [
      'rsc: 1',
      'next-action: 2',
      'next-router-state-tree: 3',
      'x-original-filename: 4',
      'x-vercel-protection-bypass: 5',
    ]
    const { taken } = await pass(`${said.join('\r\n')}\r\n`, '', 'GET')
    expect(read(taken[0]!).lines).toEqual(expect.arrayContaining(said))
    const line = 'x-nextjs-data: 1'
    for (const [path, isData] of [
      ['/api/_next/data/b/about.json', true],
      ['/api/about?from=/_next/data/b/about.json', false],
    ] as const) {
      await rawStatuses(port, `GET ${path} HTTP/1.1\r\n${host()}Connection: close\r\n${line}\r\n\r\n`)
      expect([path, read(upstream.taken()[0]!).lines.includes(line)]).toEqual([path, isData])
    }
  })

  test('says who it is in vain by Connection: what we say stays', async () => {
    const { taken } = await pass('Connection: x-forwarded-for, host, via, x-kept\r\nX-Kept: 1\r\n', '', 'GET')
    const { lines } = read(taken[0]!)
    expect(lines).toContain('x-forwarded-for: 127.0.0.1')
    expect(lines).toContain(`host: 127.0.0.1:${upstream.port}`)
    expect(lines.some((line) => line.startsWith('x-kept'))).toBe(false)
  })

  test('is sent what is packed as it came, and its own gzip is passed on as it is', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const { taken } = await pass(
      `Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n`,
      bomb.toString('latin1'),
    )
    expect(Buffer.from(read(taken[0]!).body, 'latin1').equals(bomb)).toBe(true)

    upstream.answer(
      Buffer.concat([
        bytes(
          `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\nConnection: close\r\n\r\n`,
        ),
        bomb,
      ]),
    )
    const answer = await site.visit('/api/bomb', {
      decompress: false,
      headers: { 'accept-encoding': 'gzip' },
    } as RequestInit)
    const received = Buffer.from(await answer.arrayBuffer())
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(received.equals(bomb)).toBe(true)
    expect(gunzipSync(received)).toHaveLength(50_000_000)
    upstream.taken()
  })

  test.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\nok'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ],
    ['no HTTP', 'garbage\r\n\r\n'],
    ['headers without an end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(300_000)}`],
    ['a header with a line feed', 'HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2\r\nContent-Length: 2\r\n\r\nok'],
  ])('that answers with %s makes one whole answer or a bad gateway', async (_, answer) => {
    upstream.answer(answer)
    const { status, body } = await getRaw(port, site.host, '/api/x')
    expect([200, 502]).toContain(status)
    if (status === 200) expect(body).toMatch(/^(ok|2\r\nok\r\n0\r\n\r\n)$/)
    upstream.taken()
  })
})
