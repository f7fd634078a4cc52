import type { z } from 'zod'

import { BadRequestException } from './errors.ts'

type Issue = z.core.$ZodIssue

const shownCharactersMax = 256

/**
 * Checks the members of an input.
 * @throws {BadRequestException} in the form that AWS's services share: "1 validation error detected: Value 'x' at 'name'
 *   failed to satisfy constraint: Member must …" (contract/api-behaviour.md §13)
 */
export function parseInput(schema: z.ZodType, input: Record<string, unknown>): unknown {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const violations = result.error.issues.map((issue) => describe(issue, input))
  const count = violations.length === 1 ? '1 validation error' : `${violations.length} validation errors`
  throw new BadRequestException(`${count} detected: ${violations.slice(0, 10).join('; ')}`)
}

function describe(issue: Issue, input: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    return `No member is called ${issue.keys.join(', ').slice(0, shownCharactersMax)}`
  }
  const value = valueAt(issue.path, input)
  return `Value${shown(issue, value)} at '${wirePath(issue.path, input)}' failed to satisfy constraint: ${constraint(issue, value)}`
}

function constraint(issue: Issue, value: unknown): string {
  if (value === undefined) return 'Member must not be null'
  switch (issue.code) {
    case 'custom':
    case 'invalid_format':
      return issue.message
    case 'invalid_value':
      return `Member must satisfy enum value set: [${issue.values.join(', ')}]`
    case 'invalid_union':
      return unionConstraint(issue, value)
    case 'invalid_type':
      return `Member must be of type ${issue.expected}`
    case 'invalid_key':
      return `Map keys must satisfy constraint: [${issue.issues.map((inner) => inner.message).join(', ')}]`
    default:
      throw new Error(`No words for a violation of the kind ${issue.code}`)
  }
}

/** What the value may be, by any of the union's members; that it may be empty, which unsets it, helps nobody who wants a value. */
function unionConstraint({ errors }: Extract<Issue, { code: 'invalid_union' }>, value: unknown): string {
  const wanted = errors
    .flat()
    .filter((issue) => !(issue.code === 'invalid_value' && issue.values.join() === ''))
  return [...new Set(wanted.map((issue) => constraint(issue, value)))].join(', or ')
}

/** The value as far as it may be repeated: a text that is not sensitive, or null for one that is missing. */
function shown(issue: Issue, value: unknown): string {
  if (value === undefined) return ' null'
  const isSensitive = issue.code === 'custom' && issue.params?.['sensitive'] === true
  if (typeof value !== 'string' || isSensitive || issue.code === 'invalid_key') return ''
  return ` '${value.length > shownCharactersMax ? `${value.slice(0, shownCharactersMax)}…` : value}'`
}

function valueAt(path: readonly PropertyKey[], input: unknown): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    input,
  )
}

/** As AWS writes paths: list items count from 1, and items of lists and maps are members. */
function wirePath(path: readonly PropertyKey[], input: unknown): string {
  return path
    .map((key, depth) => {
      if (Array.isArray(valueAt(path.slice(0, depth), input))) return `${Number(key) + 1}.member`
      return String(key).slice(0, shownCharactersMax)
    })
    .join('.')
}
