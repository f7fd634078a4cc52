import { describe, expect, test } from 'bun:test'

import { BadRequestException } from './errors.ts'
import { readTarget } from './target.ts'

const read = (target: string, ...hosts: string[]) =>
  readTarget({ target, headers: hosts.length > 0 ? new Map([['host', hosts]]) : new Map() })

describe('target', () => {
  test.each([
    ['/apps', ['apps']],
    ['/apps/', ['apps', '']],
    ['//apps', ['', 'apps']],
    ['/apps/d1/branches/feature%2Fx/jobs', ['apps', 'd1', 'branches', 'feature/x', 'jobs']],
    ['/apps/d1/branches/a%252Fb', ['apps', 'd1', 'branches', 'a%2Fb']],
    ['/apps/a%20b+c', ['apps', 'a b+c']],
    ['/apps/%E6%97%A5', ['apps', '日']],
    ['/apps/%2E%2E', ['apps', '..']],
    ['http://localhost:4700/apps', ['apps']],
    ['HTTP://LOCALHOST:4700', ['']],
    ['/', ['']],
  ])('%s has the segments %j', (target, segments) => {
    expect([...read(target, 'localhost:4700').segments]).toEqual(segments)
  })

  test('parameters are decoded once, in order, a plus staying one', () => {
    const { query } = read('/tags/x?tagKeys=a%20b&tagKeys=c+d&&empty&=x&e=1=2', 'a')
    expect(Object.fromEntries(query)).toEqual({ tagKeys: ['a b', 'c+d'], empty: [''], '': ['x'], e: ['1=2'] })
  })

  test('one that names a parameter over and over is read in one pass', () => {
    // By copies of a list that grows, this would take minutes.
    const times = 400_000
    expect(read(`/apps?${'a&'.repeat(times)}`, 'a').query.get('a')?.length).toBe(times)
  })

  test.each([
    '/apps/%',
    '/apps/%zz',
    '/apps/%ff',
    '/apps/%ED%A0%80',
    '/apps?a=%',
    '/apps?__proto__=a',
    '/apps/../x',
    '/apps/.',
    '/apps#x',
    '/apps\\\u00e9',
    'apps',
    '*',
    '',
    'http://elsewhere/apps',
    'http://user@a/apps',
    'ftp://a/apps',
  ])('%j is refused', (target) => {
    expect(() => read(target, 'a')).toThrow(BadRequestException)
  })
})

describe('host', () => {
  test.each(['localhost', 'localhost:4700', 'a.example.', '127.0.0.1:1', '[::1]:4700', 'api_1'])(
    '%s passes',
    (host) => {
      expect(read('/apps', host).host).toBe(host)
    },
  )

  test.each([
    '',
    'a b',
    'a/b',
    'user@a',
    'a:b',
    'a:123456',
    '[::1',
    '::1',
    'a,b',
    'é',
    '-a',
    'a'.repeat(300),
  ])('%j is refused', (host) => {
    expect(() => read('/apps', host)).toThrow(BadRequestException)
  })

  test('a missing and a doubled one are refused', () => {
    expect(() => read('/apps')).toThrow(BadRequestException)
    expect(() => read('/apps', 'a', 'a')).toThrow(BadRequestException)
  })
})
