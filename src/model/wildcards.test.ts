import { expect, test } from 'bun:test'

import { matchesWildcards } from './wildcards.ts'

test.each([
  ['', '', true],
  ['', '*', true],
  ['a', '', false],
  ['a', '?', true],
  ['', '?', false],
  ['abc', 'abc', true],
  ['abc', 'ab', false],
  ['ab', 'abc', false],
  ['apps/d1/branches/a/b', 'apps/*/b', true],
  ['a:b/c', '*', true],
  ['abcabd', '*abd', true],
  ['ab', '*a?b', false],
  ['axbxc', 'a*b*c', true],
  ['a*c', 'a?c', true],
  ['a.c', 'a[.]c', false],
  ['line\nbreak', 'line*', true],
])('%j against %j: %p', (text, pattern, expected) => {
  expect(matchesWildcards(text, pattern)).toBe(expected)
})

test('a hostile pattern does not run for long', () => {
  const startedAt = performance.now()
  expect(matchesWildcards('a'.repeat(2000), `${'*a'.repeat(1000)}b`)).toBe(false)
  expect(performance.now() - startedAt).toBeLessThan(1000)
})
