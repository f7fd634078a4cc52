import { describe, expect, test } from 'bun:test'

import { parseAccessLogLine } from '../../test/support/access-log.ts'
import { limits } from '../model/limits.ts'
import { accessLogLine, type Visit } from './access-log-line.ts'

const url = 'http://main.d1.localhost:4780/a/page.html'

function lineOf(
  request: Request,
  { cookies = false, ...visit }: Partial<Visit> & { cookies?: boolean } = {},
) {
  const line = accessLogLine(
    {
      request,
      facts: { status: 200, contentType: 'text/html; charset=utf-8', contentLength: 4096 },
      address: '203.0.113.7',
      port: 5123,
      scheme: 'http',
      mayBeHttp2: false,
      id: 'id-1',
      milliseconds: 0,
      ...visit,
    },
    { time: '2026-11-25,14:03:22', cookies },
  )
  expect(line.indexOf('\n')).toBe(line.length - 1)
  return parseAccessLogLine(line.slice(0, -1))
}

const sent = (headers: Record<string, string>) => lineOf(new Request(url, { headers }))

test('a request has its values in the columns of CloudFront', () => {
  const headers = {
    referer: 'https://example.com/',
    'user-agent': 'curl/8.0',
    cookie: 'session=secret',
    'x-forwarded-for': '198.51.100.1, 10.0.0.1',
  }
  expect(lineOf(new Request(`${url}?a=1&b=2`, { headers }), { milliseconds: 1234.5 })).toEqual({
    date: '2026-11-25',
    time: '14:03:22',
    'x-edge-location': '-',
    'sc-bytes': '4096',
    'c-ip': '203.0.113.7',
    'cs-method': 'GET',
    'cs(Host)': 'main.d1.localhost',
    'cs-uri-stem': '/a/page.html',
    'sc-status': '200',
    'cs(Referer)': 'https://example.com/',
    'cs(User-Agent)': 'curl/8.0',
    'cs-uri-query': 'a=1&b=2',
    'cs(Cookie)': '-',
    'x-edge-result-type': 'Hit',
    'x-edge-request-id': 'id-1',
    'x-host-header': 'main.d1.localhost',
    'cs-protocol': 'http',
    'cs-bytes': '-',
    'time-taken': '1.234',
    'x-forwarded-for': '198.51.100.1%2C%2010.0.0.1',
    'ssl-protocol': '-',
    'ssl-cipher': '-',
    'x-edge-response-result-type': 'Hit',
    'cs-protocol-version': 'HTTP/1.1',
    'fle-status': '-',
    'fle-encrypted-fields': '-',
    'c-port': '5123',
    'time-to-first-byte': '1.234',
    'x-edge-detailed-result-type': 'Hit',
    'sc-content-type': 'text/html%3B%20charset=utf-8',
    'sc-content-len': '4096',
    'sc-range-start': '-',
    'sc-range-end': '-',
  })
})

test('HEAD sends nothing of its length, an error is one, a range ends with its last byte', () => {
  expect(lineOf(new Request(url, { method: 'HEAD' }))).toMatchObject({
    'cs-method': 'HEAD',
    'sc-bytes': '0',
    'sc-content-len': '4096',
  })
  expect(lineOf(new Request(url), { facts: { status: 304 } })).toMatchObject({
    'sc-status': '304',
    'sc-bytes': '0',
    'sc-content-type': '-',
    'sc-content-len': '-',
    'x-edge-result-type': 'Hit',
  })
  expect(lineOf(new Request(url), { facts: { status: 404 } })).toMatchObject({
    'x-edge-result-type': 'Error',
    'x-edge-response-result-type': 'Error',
    'x-edge-detailed-result-type': 'Error',
  })
  const facts = { status: 206, contentLength: 10, range: { start: 5, end: 15 } }
  expect(lineOf(new Request(url), { facts })).toMatchObject({
    'sc-bytes': '10',
    'sc-range-start': '5',
    'sc-range-end': '14',
  })
})

test('cookies and addresses are there where they are asked for', () => {
  const request = new Request(url, { headers: { cookie: 'a=1; b="2"' } })
  expect(lineOf(request, { cookies: true, address: undefined, port: undefined })).toMatchObject({
    'cs(Cookie)': 'a=1%3B%20b=%222%22',
    'c-ip': '-',
    'c-port': '-',
  })
})

describe('what a visitor sends', () => {
  test.each([
    ['no value', '', '-'],
    ['a comma, quotes and a backslash', String.raw`a,"b"'c'\d`, 'a%2C%22b%22%27c%27%5Cd'],
    ['a semicolon, where a formula could begin', 'a;=1+1', 'a%3B=1+1'],
    ['a tab', 'a\tb', 'a%09b'],
    ['percent signs, which decode to what was sent', '100%2C', '100%252C'],
    ['bytes, as they come in UTF-8', 'caf\u00c3\u00a9', 'caf%C3%A9'],
    ['a formula', '=HYPERLINK("http://evil.example")', '%3DHYPERLINK(%22http://evil.example%22)'],
    ['another formula', '+1', '%2B1'],
    ['a third', '@SUM(A1)', '%40SUM(A1)'],
    ['what means no value', '-', '%2D'],
  ])('%s', (_what, value, logged) => {
    expect(sent({ 'user-agent': value, referer: value, 'x-forwarded-for': value })).toMatchObject({
      'cs(User-Agent)': logged,
      'cs(Referer)': logged,
      'x-forwarded-for': logged,
    })
    // The second time from memory.
    expect(sent({ 'user-agent': value })['cs(User-Agent)']).toBe(logged)
  })

  test('decodes to what it was', () => {
    const everyByte = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
    const value = everyByte.replace(/[\0\r\n]/g, '')
    const logged = sent({ 'user-agent': `a${value}z` })['cs(User-Agent)']!
    const bytes = logged.replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    expect(bytes).toBe(`a${value}z`)
  })

  test('may be long, and is cut', () => {
    const { length } = sent({ 'user-agent': 'a'.repeat(100_000) })['cs(User-Agent)']!
    expect(length).toBe(limits.accessLogValueCharactersMax)
    const path = `/${'a'.repeat(limits.accessLogValueCharactersMax - 3)}é`
    const stem = lineOf(new Request(`http://main.d1.localhost${path}${'é'.repeat(50_000)}`))['cs-uri-stem']!
    // Not in the middle of an escape.
    expect(decodeURIComponent(stem.replace(/%C3$/, ''))).toBe(path.slice(0, -1))
  })
})

describe('an address', () => {
  test.each([
    ['http://Main.D1.localhost.:80/', 'main.d1.localhost', '/', '-'],
    ['http://main.d1.localhost/?', 'main.d1.localhost', '/', '-'],
    ['http://main.d1.localhost/a?b#c', 'main.d1.localhost', '/a', 'b'],
    ['http://main.d1.localhost/a#b?c', 'main.d1.localhost', '/a', '-'],
    ['http://main.d1.localhost/a%2fb%20c,d', 'main.d1.localhost', '/a%2fb%20c%2Cd', '-'],
    ['http://main.d1.localhost/a;=1?b;=1', 'main.d1.localhost', '/a%3B=1', 'b%3B=1'],
    ['http://main.d1.localhost//x?=1+1,2', 'main.d1.localhost', '//x', '%3D1+1%2C2'],
    ['http://main.d1.localhost/?-', 'main.d1.localhost', '/', '%2D'],
    ['http://main.d1.localhost/é?é', 'main.d1.localhost', '/%C3%A9', '%C3%A9'],
  ])('%s', (address, host, stem, query) => {
    expect(lineOf(new Request(address))).toMatchObject({
      'cs(Host)': host,
      'x-host-header': host,
      'cs-uri-stem': stem,
      'cs-uri-query': query,
    })
  })

  test('of CONNECT names no other host', () => {
    const connect = {
      url: 'elsewhere.example:443',
      method: 'CONNECT',
      headers: new Headers({ host: 'Main.d1.localhost.:4780' }),
    } as Request
    expect(lineOf(connect)).toMatchObject({ 'cs(Host)': 'main.d1.localhost', 'cs-uri-stem': '-' })
  })
})
