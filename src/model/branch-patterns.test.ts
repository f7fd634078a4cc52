import { expect, test } from 'bun:test'

import { matchesPattern } from './branch-patterns.ts'

test.each([
  ['main', ['*'], true],
  ['feature/x', ['*'], false],
  ['pr-12', ['*', 'pr*'], true],
  ['release', ['release*'], true],
  ['release/1', ['release*'], false],
  ['release/1', ['release**'], true],
  ['release/1', ['release/**'], true],
  ['release/1', ['release*/*'], true],
  ['a/b/c', ['**/**'], true],
  ['main', ['**/**'], false],
  ['main', ['mai'], false],
  ['main', ['ain'], false],
  ['ma', ['main'], false],
  ['a.c', ['a.c'], true],
  ['abc', ['a.c'], false],
  ['[x]', ['[x]'], true],
  ['main', [], false],
  ['', ['*'], true],
  ['xay', ['*a*'], true],
  ['x/ay', ['*a*'], false],
])('%j by %j: %p', (name, patterns, expected) => {
  expect(matchesPattern(name, patterns)).toBe(expected)
})

test('a hostile pattern takes no noticeable time', () => {
  const started = performance.now()
  expect(matchesPattern('a'.repeat(255), ['*a'.repeat(1000) + 'b'])).toBe(false)
  expect(performance.now() - started).toBeLessThan(2000)
})
