import { expect, test } from 'bun:test'

import { z } from 'zod'

import { BadRequestException } from './errors.ts'
import * as shape from './schema.ts'
import { parseInput } from './validation.ts'

const schema = z.object({
  name: shape.name,
  platform: shape.platform.optional(),
  accessToken: shape.accessToken.optional(),
  enableBasicAuth: shape.flag.optional(),
  customRules: shape.customRules.optional(),
  environmentVariables: shape.environmentVariables.optional(),
  tags: shape.tags.optional(),
  maxResults: shape.maxResults,
})

const refusal = (input: Record<string, unknown>) => {
  try {
    return parseInput(schema, { name: 'a', ...input })
  } catch (error) {
    expect(error).toBeInstanceOf(BadRequestException)
    return (error as Error).message.replace('1 validation error detected: ', '')
  }
}

test('members that are not known are left out', () => {
  expect(parseInput(schema, { name: 'a', other: 1 })).toEqual({ name: 'a', maxResults: 50 })
})

test.each([
  [
    { name: '' },
    `Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1`,
  ],
  [{ name: undefined }, `Value null at 'name' failed to satisfy constraint: Member must not be null`],
  [{ name: 5 }, `Value at 'name' failed to satisfy constraint: Member must be of type string`],
  [
    { platform: 'X' },
    `Value 'X' at 'platform' failed to satisfy constraint: Member must satisfy enum value set: [WEB, WEB_DYNAMIC, WEB_COMPUTE]`,
  ],
  [
    { accessToken: 'secret'.repeat(100) },
    `Value at 'accessToken' failed to satisfy constraint: Member must have length less than or equal to 255`,
  ],
  [
    { enableBasicAuth: 'yes' },
    `Value 'yes' at 'enableBasicAuth' failed to satisfy constraint: Member must be of type boolean`,
  ],
  [
    {
      customRules: [
        { source: '/a', target: '/b' },
        { source: '/a', target: '/b', status: 'x' },
      ],
    },
    `Value 'x' at 'customRules.2.member.status' failed to satisfy constraint: Member must have length greater than or equal to 3`,
  ],
  [
    { environmentVariables: { A: 'password'.repeat(1000) } },
    `Value at 'environmentVariables.A' failed to satisfy constraint: Member must have length less than or equal to 5500`,
  ],
  [
    { tags: { 'aws:x': 'a' } },
    `Value at 'tags.aws:x' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: ^(?!aws:)[a-zA-Z+-=._:/]+$]`,
  ],
  [{ tags: 'a' }, `Value 'a' at 'tags' failed to satisfy constraint: Member must be a map`],
  [
    { maxResults: 'x' },
    `Value 'x' at 'maxResults' failed to satisfy constraint: Member must be a whole number`,
  ],
  [
    { maxResults: '-1' },
    `Value '-1' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 0`,
  ],
])('%j', (input, message) => {
  expect(refusal(input)).toBe(message)
})

test('several violations are counted, and a long value is cut', () => {
  const message = refusal({ name: 'n'.repeat(100_000), platform: 'X' })
  expect(message).toStartWith("2 validation errors detected: Value 'nnn")
  expect(message).toContain('…')
  expect(String(message).length).toBeLessThan(1000)
})
