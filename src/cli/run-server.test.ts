import { expect, test } from 'bun:test'

import { firstOrAgain } from './run-server.ts'

test('takes a signal that is passed on at once for the same request, and a later one for impatience', () => {
  let time = 0
  let again = 0
  const isFirst = firstOrAgain(
    () => time,
    () => again++,
  )
  expect(isFirst()).toBe(true)
  time = 5
  expect(isFirst()).toBe(false)
  expect(again).toBe(0)
  time = 2000
  expect(isFirst()).toBe(false)
  expect(again).toBe(1)
})
