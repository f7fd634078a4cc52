import { expect, test } from 'bun:test'

import { RefusedContent } from './refused-content.ts'
import { decodeName, quoted, sitePath } from './site-path.ts'

test.each([
  ['index.html', 'index.html'],
  ['a/b c/é.txt', 'a/b c/é.txt'],
  ['e\u0301', 'é'],
  ['.well-known/acme', '.well-known/acme'],
  ['..a/b..', '..a/b..'],
  ['...', '...'],
  ['ab:c', 'ab:c'],
  ['%2e%2e/x', '%2e%2e/x'],
  ['(group)/[slug].js', '(group)/[slug].js'],
])('%j is published as %j', (name, path) => expect(sitePath(name)).toBe(path))

test.each([
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  './a',
  'a/..',
  'a/./b',
  'C:',
  'c:\\a',
  'a\\b',
  'a\0',
  'a\x7f',
  'a\x85',
])('%j is refused', (name) => expect(() => sitePath(name)).toThrow(RefusedContent))

test('what is not Unicode is refused', () => {
  expect(() => sitePath('a\ud800')).toThrow(/Unicode/)
  expect(() => sitePath('a\ufffd')).toThrow(/Unicode/)
  expect(decodeName(new Uint8Array([0xc3]))).toBeUndefined()
  expect(decodeName(new TextEncoder().encode('é'))).toBe('é')
})

test('the length is counted in bytes', () => {
  expect(sitePath('é'.repeat(512))).toHaveLength(512)
  expect(() => sitePath('é'.repeat(513))).toThrow(/longer than 1024 bytes/)
})

test('a name in a message cannot turn, break or flood it', () => {
  expect(quoted('a\nb\u202ec\x9b')).toBe('"a\\nb\\u202ec\\u009b"')
  expect(quoted('x'.repeat(5000))).toHaveLength(203)
})
