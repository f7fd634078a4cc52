import { expect, test } from 'bun:test'

import { contentTypeOf } from './content-type.ts'

test.each([
  ['index.html', 'text/html; charset=utf-8', true],
  ['a/b.CSS', 'text/css; charset=utf-8', true],
  ['app.js', 'text/javascript; charset=utf-8', true],
  ['app.mjs', 'text/javascript; charset=utf-8', true],
  ['data.json', 'application/json; charset=utf-8', true],
  ['app.js.map', 'application/json; charset=utf-8', true],
  ['site.webmanifest', 'application/manifest+json; charset=utf-8', true],
  ['icon.svg', 'image/svg+xml; charset=utf-8', true],
  ['feed.xml', /^(text|application)\/xml; charset=utf-8$/, true],
  ['robots.txt', 'text/plain; charset=utf-8', true],
  ['picture.png', 'image/png', false],
  ['font.woff2', 'font/woff2', false],
  ['code.wasm', 'application/wasm', true],
  ['html', 'application/octet-stream', false],
  ['v1.2/file', 'application/octet-stream', false],
  ['x.unheard-of', 'application/octet-stream', false],
] as const)('%s', (path, value, compressible) => {
  const type = contentTypeOf(path)
  if (value instanceof RegExp) expect(type.value).toMatch(value)
  else expect(type.value).toBe(value)
  expect(type.compressible).toBe(compressible)
})
