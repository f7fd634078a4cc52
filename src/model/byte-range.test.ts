import { expect, test } from 'bun:test'

import { parseRange } from './byte-range.ts'

test.each([
  ['bytes=0-0', { start: 0, end: 1 }],
  ['bytes=2-5', { start: 2, end: 6 }],
  ['bytes=2-', { start: 2, end: 10 }],
  ['bytes=2-99', { start: 2, end: 10 }],
  ['bytes=-3', { start: 7, end: 10 }],
  ['bytes=-99', { start: 0, end: 10 }],
  ['Bytes=1-1', { start: 1, end: 2 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=99999999999999999999-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-2', 'ignored'],
  ['bytes=-', 'ignored'],
  ['bytes=0-1,3-4', 'ignored'],
  ['lines=1-2', 'ignored'],
  ['', 'ignored'],
] as const)('%p of ten bytes', (header, range) => expect(parseRange(header, 10)).toEqual(range))

test('an empty file has no ranges', () => expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable'))
