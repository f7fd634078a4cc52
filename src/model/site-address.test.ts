import { expect, test } from 'bun:test'

import { parseSiteHost } from './site-address.ts'

test.each([
  ['main.d1.localhost', 'branch'],
  ['MAIN.d1.LOCALHOST.:4780', 'branch'],
  ['main--12.d1.localhost', 'job'],
  ['main--.d1.localhost', 'branch'],
  ['main--12.example.com', 'domain'],
  ['www.example.com', 'domain'],
  ['WWW.Example.COM.:8080', 'domain'],
  ['example.com', 'domain'],
  // Below the sites' own name nothing is a custom domain's.
  ['localhost', undefined],
  ['d1.localhost', undefined],
  ['a.main.d1.localhost', undefined],
  ['main.x1.localhost', undefined],
  // One label, addresses, what is no host name.
  ['example', undefined],
  ['192.0.2.1', undefined],
  ['[2001:db8::1]:80', undefined],
  ['a..b', undefined],
  ['.example.com', undefined],
  ['a_b.example.com', undefined],
  ['', undefined],
])('%j names a host of the kind %p', (host, kind) => {
  expect(parseSiteHost(host, 'localhost')?.kind).toBe(kind as 'branch' | 'job' | 'domain' | undefined)
})

test('all spellings of a host have one name', () => {
  expect(parseSiteHost('WWW.Example.COM.:8080', 'localhost')?.name).toBe('www.example.com')
  expect(parseSiteHost('Main.D1.Localhost', 'LOCALHOST')).toEqual({
    kind: 'branch',
    name: 'main.d1.localhost',
    appId: 'd1',
    displayName: 'main',
  })
})
