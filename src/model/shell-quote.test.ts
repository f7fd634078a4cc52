import { expect, test } from 'bun:test'

import { quoteForShell } from './shell-quote.ts'

test.each([
  ['/home/you/.preamp/credentials', '/home/you/.preamp/credentials'],
  ['/home/you and me/x', `'/home/you and me/x'`],
  [`it's`, `'it'\\''s'`],
  ['', `''`],
  ['$HOME', `'$HOME'`],
  ['~', `'~'`],
])('%s is written %s for a shell', (text, expected) => {
  expect(quoteForShell(text)).toBe(expected)
})
