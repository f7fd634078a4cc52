import { expect, test } from 'bun:test'

import { limits } from '../model/limits.ts'
import { matchRule } from './match.ts'
import { requestBudget } from './pattern/bounded-search.ts'
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

const readWith = (expressionGroups: boolean) =>
  readRules([{ source: '</(a)/>', target: '/$1', status: '301' }], { ...amplify, expressionGroups })

test('the rules of a site are read once for all of its hosts, and anew where an option gives them another meaning', () => {
  expect(readWith(false)).toBe(readWith(false))
  expect(readWith(true)).not.toBe(readWith(false))
})

test('expressions beyond what a site may have are ignored, and the other rules count', () => {
  const { first, ignored } = rulesOf(
    ...Array.from({ length: 110 }, (_, number) => `</^${'a'.repeat(2000)}${number}/>`),
    '/plain',
  )
  expect(ignored.length).toBe(110 - Math.floor(limits.siteExpressionCharactersMax / 2003))
  expect(ignored[0]!.ignored).toBe(
    'With its expression the expressions of this site have more than 65,536 characters.',
  )
  expect(first.all.at(-1)!.index).toBe(110)
})

/** Steps that it takes to try all of them. */
function stepsFor(path: string, query: string, ...sources: string[]): number {
  const budget = requestBudget()
  const request = {
    host: 'a',
    path: readRequestPath(path)!,
    query,
    country: () => undefined,
    header: () => null,
  }
  for (const rule of rulesOf(...sources).first.all) matchRule(rule, request, budget)
  return limits.requestPatternStepsMax - budget.steps
}

test('a thousand usual rules take a tenth of what a request may take', () => {
  const kinds = [
    (number: number) => `/old/page-${number}`,
    (number: number) => `/old-${number}/<*>`,
    (number: number) => `/blog/<year>/post-${number}`,
    (number: number) => `/shop?id=${number}`,
  ]
  const sources = Array.from({ length: 1000 }, (_, number) => kinds[number % kinds.length]!(number))
  const max = limits.requestPatternStepsMax / 10
  expect(stepsFor('/blog/2026/post-x', '', ...sources)).toBeLessThan(max)
  expect(stepsFor('/shop', '?id=x', ...sources)).toBeLessThan(max)
})

const manyOf = (source: string) => Array.from({ length: 3500 }, (_, number) => source + number)

test('what a rule would take from a path is not made before it matches', () => {
  const long = `/x%41${'/a'.repeat(7000)}`
  expect(stepsFor(long, '', ...manyOf('/<*>?q='))).toBeLessThan(limits.requestPatternStepsMax / 2)
  expect(stepsFor(long, '', ...manyOf('/x<a>/<*>?q='))).toBeLessThan(limits.requestPatternStepsMax / 2)
})
