import { expect, test } from 'bun:test'

import { evaluateConditions, ifRangeHolds } from './conditions.ts'

const current = { etag: '"abc"', modifiedAt: Date.parse('Mon, 05 Jan 2026 10:00:00 GMT') }
const sameTime = 'Mon, 05 Jan 2026 10:00:00 GMT'
const before = 'Mon, 05 Jan 2026 09:59:59 GMT'

test.each([
  [{}, 'send'],
  [{ 'if-none-match': '"abc"' }, 'not-modified'],
  [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
  [{ 'if-none-match': '"x", W/"abc"' }, 'not-modified'],
  [{ 'if-none-match': '*' }, 'not-modified'],
  [{ 'if-none-match': '"x"' }, 'send'],
  [{ 'if-none-match': 'abc' }, 'send'],
  [{ 'if-modified-since': sameTime }, 'not-modified'],
  [{ 'if-modified-since': before }, 'send'],
  [{ 'if-modified-since': 'yesterday' }, 'send'],
  [{ 'if-none-match': '"x"', 'if-modified-since': sameTime }, 'send'],
  [{ 'if-match': '"abc"' }, 'send'],
  [{ 'if-match': 'W/"abc"' }, 'failed'],
  [{ 'if-match': '"x"' }, 'failed'],
  [{ 'if-match': '*' }, 'send'],
  [{ 'if-unmodified-since': sameTime }, 'send'],
  [{ 'if-unmodified-since': before }, 'failed'],
  [{ 'if-match': '"abc"', 'if-none-match': '"abc"' }, 'not-modified'],
] as [Record<string, string>, string][])('%p: %s', (headers, outcome) => {
  expect(evaluateConditions(new Headers(headers), current)).toBe(outcome as 'send')
})

test.each([
  [{}, true],
  [{ 'if-range': '"abc"' }, true],
  [{ 'if-range': 'W/"abc"' }, false],
  [{ 'if-range': '"x"' }, false],
  [{ 'if-range': sameTime }, true],
  [{ 'if-range': before }, false],
] as [Record<string, string>, boolean][])('%p: a range is honoured: %p', (headers, holds) => {
  expect(ifRangeHolds(new Headers(headers), current)).toBe(holds)
})
