import { expect, test } from 'bun:test'

import type { z } from 'zod'

import * as schema from './schema.ts'

const accepts = (type: z.ZodType, value: unknown) => type.safeParse(value).success

test('lengths are counted in code points', () => {
  expect(accepts(schema.name, '\u{1f600}'.repeat(255))).toBe(true)
  expect(accepts(schema.name, '\u{1f600}'.repeat(256))).toBe(false)
  expect(accepts(schema.name, 'a\u0301'.repeat(128))).toBe(false)
})

test('text that a database cannot keep is refused', () => {
  expect(accepts(schema.description, 'a\0b')).toBe(false)
  expect(accepts(schema.description, 'a\ud800b')).toBe(false)
})

test('times are epoch seconds, whole or with a fraction', () => {
  expect(schema.timestamp.parse(1_704_164_645)).toEqual(new Date('2024-01-02T03:04:05Z'))
  expect(schema.timestamp.parse(1_704_164_645.678)).toEqual(new Date('2024-01-02T03:04:05.678Z'))
  expect(schema.timestamp.parse(0)).toEqual(new Date(0))
  expect(schema.timestamp.parse(253_402_300_799.999)).toEqual(new Date('9999-12-31T23:59:59.999Z'))
  for (const outside of [-0.001, 253_402_300_800, -8_640_000_000_000, 8_640_000_000_000, 1e300])
    expect(accepts(schema.timestamp, outside)).toBe(false)
  expect(accepts(schema.timestamp, '2024-01-02T03:04:05Z')).toBe(false)
})

test('a page holds as many as asked for, within its bounds', () => {
  expect(schema.maxResults.parse('7')).toBe(7)
  expect(schema.maxResults.parse('0')).toBe(50)
  expect(schema.maxResults.parse(undefined)).toBe(50)
  expect(schema.maxResults.parse('100')).toBe(50)
  expect(schema.appMaxResults.parse('100')).toBe(100)
  for (const bad of ['-1', '1.5', 'x', '', '1e3', '99999999999'])
    expect(accepts(schema.maxResults, bad)).toBe(false)
})

test('maps hold keys of any name but one, which is refused', () => {
  expect(schema.environmentVariables.parse({ constructor: 'a', toString: 'b', '': '' })).toEqual({
    constructor: 'a',
    toString: 'b',
    '': '',
  } as unknown as Record<string, string>)
  expect(accepts(schema.environmentVariables, JSON.parse('{"__proto__": "x"}'))).toBe(false)
  expect(accepts(schema.environmentVariables, ['a'])).toBe(false)
  expect(accepts(schema.environmentVariables, 'a')).toBe(false)
})

test('a stage of NONE means that none was set', () => {
  expect(schema.stage.parse('NONE')).toBeUndefined()
  expect(schema.stage.parse('BETA')).toBe('BETA')
})

test('a domain name made to match slowly is answered at once', () => {
  expect(accepts(schema.domainName, `${'a-'.repeat(100_000)}!`)).toBe(false)
  expect(accepts(schema.domainName, `${'a'.repeat(63)}!`)).toBe(false)
})
