import { expect, test } from 'bun:test'

import { compileGlob } from './glob.ts'
import { search } from './search.ts'

test.each([
  ['**', '/', true],
  ['**', '/a/b.css', true],
  ['**/*', '/', true],
  ['**/*', '/a', true],
  ['**/*', '/a/b/c', true],
  ['**/*.css', '/x.css', true],
  ['**/*.css', '/a/b/x.css', true],
  ['**/*.css', '/a/xcss', false],
  ['*.css', '/x.css', true],
  ['*.css', '/a/x.css', false],
  ['/img/*', '/img/a.png', true],
  ['/img/*', '/img/a/b.png', false],
  ['/img/**', '/img/a/b.png', true],
  ['/img/**/b.png', '/img/b.png', true],
  ['/img/**/b.png', '/img/x/y/b.png', true],
  ['{a,b}/*.{js,mjs}', '/b/x.mjs', true],
  ['{a,b}/*.{js,mjs}', '/c/x.mjs', false],
  ['/a{b', '/a{b', true],
  ['/a,b', '/a,b', true],
  ['/a(b)+[c].$^|?', '/a(b)+[c].$^|?', true],
  ['/é', '/é', true],
])('%s and %s: %p', (pattern, path, expected) => {
  expect(search(compileGlob(pattern), path, { steps: 10_000 }) !== 'none').toBe(expected)
})
