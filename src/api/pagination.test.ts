import { expect, test } from 'bun:test'

import { z } from 'zod'

import { limits } from '../model/limits.ts'
import { BadRequestException } from './errors.ts'
import { pageTokens, takePage } from './pagination.ts'

const cursor = z.object({ createdAt: z.number(), id: z.string() })
const branches = pageTokens('ListBranches', cursor)
const scope = ['000000000000', 'us-east-1', 'd1']
const token = branches.encode(scope, { createdAt: 5, id: 'b' })

test('a token reads back as the cursor it was made of', () => {
  expect(branches.decode(scope, token)).toEqual({ createdAt: 5, id: 'b' })
})

test('without a token, or with an empty one, the list begins at its start', () => {
  expect(branches.decode(scope, undefined)).toBeUndefined()
  expect(branches.decode(scope, '')).toBeUndefined()
})

test.each([
  ['garbage', 'not a token'],
  ['a cut token', token.slice(0, -6)],
  ['JSON of another form', Buffer.from('{"a":1}').toString('base64url')],
  ['another list', pageTokens('ListJobs', cursor).encode(scope, { createdAt: 5, id: 'b' })],
  ['another app', branches.encode(['000000000000', 'us-east-1', 'd2'], { createdAt: 5, id: 'b' })],
  ['another cursor', pageTokens('ListBranches', z.any()).encode(scope, { createdAt: '5' })],
])('%s is refused', (_name, bad) => {
  expect(() => branches.decode(scope, bad)).toThrow(BadRequestException)
})

test('a page ends where rows go on, and the last one has no token', () => {
  expect(takePage([1, 2, 3], 2, String)).toEqual({ items: [1, 2], nextToken: '2' })
  expect(takePage([1, 2], 2, String)).toEqual({ items: [1, 2] })
  expect(takePage([], 2, String)).toEqual({ items: [] })
})

test('a page ends before its rows are too many bytes, but not before the first', () => {
  const third = limits.pageSettingsBytesMax / 3
  const bytesOf = (row: number) => row * third
  expect(takePage([1, 2, 1], 3, String, bytesOf)).toEqual({ items: [1, 2], nextToken: '2' })
  expect(takePage([9, 1], 2, String, bytesOf)).toEqual({ items: [9], nextToken: '9' })
  expect(takePage([9], 2, String, bytesOf)).toEqual({ items: [9] })
})
