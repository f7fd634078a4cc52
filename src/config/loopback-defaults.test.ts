import { expect, test } from 'bun:test'

import { isLoopbackBind } from './loopback-defaults.ts'

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.0.2', false],
  ['127.example.com', false],
])('a bind to %s is loopback: %p', (host, expected) => {
  expect(isLoopbackBind({ host })).toBe(expected)
})
