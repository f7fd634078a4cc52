import { expect, test } from 'bun:test'

import { pauseAfter } from './schedule.ts'

const minute = 60_000
const hour = 60 * minute

test('looks follow each other soon at first, then ever later, and never stop', () => {
  const pauses = [0, 2 * minute, 10 * minute, 30 * minute, 2 * hour, 12 * hour, 71 * hour, 8760 * hour].map(
    (waited) => pauseAfter(waited, true),
  )
  expect(pauses).toEqual([2000, 5000, 15_000, minute, 5 * minute, 15 * minute, hour, hour])
})

test('three days of waiting are a bounded number of looks', () => {
  let looks = 0
  for (let waited = 0; waited < 72 * hour; waited += pauseAfter(waited, true)) looks++
  expect(looks).toBeLessThan(400)
})
