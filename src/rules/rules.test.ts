import { expect, test } from 'bun:test'

import { readRequestPath } from './request-path.ts'
import { readRules } from './rules.ts'

const amplify = { headerConditions: false, expressionGroups: false, plainProxies: false }

function rulesOf(...sources: string[]) {
  return readRules(
    sources.map((source) => ({ source, target: 'https://there.example', status: '301' })),
    amplify,
  )
}

test('of thousands of rules only those that can match a path are tried, in their order', () => {
  const plain = Array.from({ length: 2000 }, (_, number) => `/old/${number}`)
  const { first } = rulesOf(
    '/<*>',
    ...plain,
    '/old/<name>',
    '</x/>',
    '/old/7',
    '/new/<*>',
    'https://old.example',
  )
  const candidates = first.candidates(readRequestPath('/old/7')!)
  expect(candidates.map(({ index }) => index)).toEqual([0, 8, 2001, 2002, 2003, 2005])
})

test.each([
  ['/a/<*>/b', 'not at the end'],
  ['/<*>/<*>', 'more than one'],
  ['a', 'no path'],
  ['</(/>', 'expression cannot be used'],
  ['https://example.com/path', 'no path'],
  ['https://', 'no address'],
])('a rule from %s is ignored, and says why', (source, reason) => {
  const { first, ignored } = rulesOf(source)
  expect(first.all).toEqual([])
  expect(ignored).toEqual([{ index: 0, ignored: expect.stringContaining(reason) as string }])
})

test.each([
  ['200', 'http://example.com/', 'https:// alone'],
  ['301', 'javascript:alert(1)', 'neither a path'],
  ['301', 'https://user@example.com/', 'no browser'],
  ['301', 'ftp://example.com/', 'no browser'],
  ['301', '', 'neither a path'],
  ['303', '/a', 'not one of'],
])('a rule with status %s to %p is ignored, and says why', (status, target, reason) => {
  const { ignored } = readRules([{ source: '/a', target, status }], amplify)
  expect(ignored).toEqual([{ index: 0, ignored: expect.stringContaining(reason) as string }])
})
