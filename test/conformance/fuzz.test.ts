import { expect, test } from 'bun:test'

import { fuzz } from '../support/fuzz/fuzz.ts'

/** `npm run fuzz` sends twenty times as many, and others each time. */
test('wrong requests of every kind are answered in time, without a fault, and show nobody what is another’s', async () => {
  const { findings, outcomes } = await fuzz({ requests: 5000, seed: 20_261_125 })
  expect(findings).toEqual([])
  // It is no use to be refused at the door: enough calls must get through to the handlers, and be refused at each depth.
  expect(outcomes.get('200')).toBeGreaterThan(500)
  for (const outcome of [
    '400 BadRequestException',
    '403 IncompleteSignatureException',
    '403 InvalidSignatureException',
    '404 NotFoundException',
    '413 RequestTooLargeException',
    '431 BadRequestException',
  ]) {
    expect(outcomes.get(outcome)).toBeGreaterThan(0)
  }
}, 600_000)
