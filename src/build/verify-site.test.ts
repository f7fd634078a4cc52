import { expect, test } from 'bun:test'

import { verifySite } from './verify-site.ts'

test.each([200, 301, 401, 404])('a site that answers with %i is served', async (status) => {
  expect(await verifySite(async () => ({ status }))).toEqual({ status })
})

test('an edge that is just being restarted is asked again', async () => {
  let visits = 0
  const visit = async () => {
    if (++visits === 1) throw new Error('connection refused')
    return { status: visits === 2 ? 503 : 200 }
  }
  expect(await verifySite(visit)).toEqual({ status: 200 })
  expect(visits).toBe(3)
})

test('a site that keeps failing is not', async () => {
  expect(await verifySite(async () => ({ status: 500 }))).toEqual({
    problem: 'The site could not be verified: it answers with status 500.',
  })
})
