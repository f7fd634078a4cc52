import { describe, expect, test } from 'bun:test'

import { operations } from '../../src/api/operations.ts'
import { isLegalText, textOf } from '../support/contract-texts.ts'
import { inputMembers, operationNames, type Shape, shapes } from '../support/contract.ts'

/**
 * Our schemas against AWS's model: for every member of every input, and what is nested in it, values at each bound, past
 * it, of another type and absent. Both must give the same verdict on all of them.
 */

const inputs = operationNames.map((name) => [name, inputMembers(name)] as const)

/** Where we differ on purpose. `ours` is our verdict on values that AWS's model judges the other way. */
const deliberateDifferences: {
  shapes: string[] | 'any'
  applies(value: unknown): boolean
  ours: 'accepted' | 'refused'
  reason: string
}[] = [
  {
    shapes: ['MaxResults', 'MaxResultsForListApps'],
    applies: (value) => Number(value) > 50,
    ours: 'accepted',
    reason: 'clients older than April 2024 ask any list for 100: more than a page holds is clamped',
  },
  {
    shapes: ['Stage'],
    applies: (value) => value === 'NONE',
    ours: 'accepted',
    reason: 'what every unset stage is answered as, sent back',
  },
  {
    shapes: ['AccessToken', 'BuildSpec', 'CertificateArn'],
    applies: (value) => value === '',
    ours: 'accepted',
    reason: 'how Terraform says that one is not set any more',
  },
  {
    shapes: 'any',
    applies: (value) => typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()),
    ours: 'refused',
    reason: 'PostgreSQL cannot store it',
  },
  {
    shapes: ['EnvironmentVariables', 'TagMap', 'FileMap'],
    applies: (value) => typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__'),
    ours: 'refused',
    reason: 'would be lost between JavaScript objects',
  },
]
const usedDifferences = new Set<number>()

/** A value and what the model says to it; `difference` where ours is deliberately the opposite. */
interface Candidate {
  value: unknown
  isLegal: boolean
  /** Whether our schema is to accept it. */
  isExpected: boolean
}

const candidatesByShape = new Map<string, Candidate[]>()

function candidatesOf(shapeName: string): Candidate[] {
  const known = candidatesByShape.get(shapeName)
  if (known) return known
  const candidates = generate(shapes[shapeName]!).map((candidate) => withDifference(shapeName, candidate))
  candidatesByShape.set(shapeName, candidates)
  return candidates
}

type Judged = Omit<Candidate, 'isExpected'> & { isExpected?: boolean }

function withDifference(shapeName: string, { value, isLegal, isExpected = isLegal }: Judged): Candidate {
  const at = deliberateDifferences.findIndex(
    (row) => (row.shapes === 'any' || row.shapes.includes(shapeName)) && row.applies(value),
  )
  const row = deliberateDifferences[at]
  if (!row || (row.ours === 'accepted') === isLegal) return { value, isLegal, isExpected }
  usedDifferences.add(at)
  return { value, isLegal, isExpected: row.ours === 'accepted' }
}

function generate(shape: Shape): Judged[] {
  switch (shape.type) {
    case 'string':
      return strings(shape)
    case 'boolean':
      return [legal(true), legal(false), illegal('true'), illegal(1), illegal(null)]
    case 'timestamp':
      return [legal(0), legal(1_704_164_645), legal(1_704_164_645.678), illegal('2024-01-02'), illegal(true)]
    case 'integer': {
      const { minimum = 0, maximum = 0 } = shape
      const numbers = [minimum, minimum + 1, maximum].map((number) => legal(String(number)))
      return [
        ...numbers,
        ...[minimum - 1, maximum + 1, 'x', '1.5', ''].map((value) => illegal(String(value))),
      ]
    }
    case 'list':
      return lists(shape)
    case 'map':
      return maps(shape)
    case 'structure':
      return structures(shape)
    default:
      throw new Error(`No candidates for the type ${shape.type}`)
  }
}

const legal = (value: unknown): Judged => ({ value, isLegal: true })
const illegal = (value: unknown): Judged => ({ value, isLegal: false })

function strings(shape: Shape): Judged[] {
  const { minLength = 0, maxLength = 10_000 } = shape
  const lengths = [minLength - 1, minLength, minLength + 1, maxLength - 1, maxLength, maxLength + 1]
  const texts = [
    ...lengths.filter((length) => length >= 0).map((length) => textOf(shape, length)),
    ...(shape.enum ?? []).flatMap((value) => [value, value.toLowerCase(), `${value} `]),
    'NONE',
    'a\nb',
    'a\u0085b',
    'é'.repeat(4),
    '\u{1f600}'.repeat(maxLength),
    'a\0b',
    'a\ud800',
    '*',
    'aws:x',
    '',
    'd',
    'D1',
    '0',
    '-1',
    '٣',
    'a.b',
    '-a.b',
    'a..b',
    'arn:aws:amplify:',
    'arn:aws:s3:x',
    'ftp://x',
    's3://x',
  ]
  return [
    ...texts.map((value) => ({ value, isLegal: isLegalText(shape, value) })),
    ...[1, true, {}, ['a']].map(illegal),
  ]
}

function lists({ member = '', minItems = 0, maxItems }: Shape): Judged[] {
  const item = sample(member)
  const lengths = [minItems - 1, minItems, ...(maxItems ? [maxItems, maxItems + 1] : [1000])]
  return [
    ...lengths
      .filter((length) => length >= 0)
      .map((length) => ({
        value: Array.from({ length }, () => item),
        isLegal: length >= minItems && length <= (maxItems ?? Infinity),
      })),
    ...candidatesOf(member).map((candidate) => ({ ...candidate, value: [candidate.value] })),
    ...['a', 1, {}].map(illegal),
  ]
}

function maps({ key = '', value = '', minItems = 0, maxItems }: Shape): Judged[] {
  const numbered = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_item, at) => [`k${at}`, sample(value)]))
  const lengths = [minItems, ...(maxItems ? [maxItems, maxItems + 1] : [1000])]
  return [
    ...lengths.map((length) => ({ value: numbered(length), isLegal: length <= (maxItems ?? Infinity) })),
    ...candidatesOf(key)
      .filter((candidate) => typeof candidate.value === 'string')
      .map((candidate) => ({ ...candidate, value: { [String(candidate.value)]: sample(value) } })),
    ...candidatesOf(value).map((candidate) => ({ ...candidate, value: { k: candidate.value } })),
    { value: JSON.parse('{"__proto__": "x"}') as unknown, isLegal: isLegalText(shapes[key]!, '__proto__') },
    ...['a', 1, ['a']].map(illegal),
  ]
}

function structures({ required = [], members = {} }: Shape): Judged[] {
  const minimal = Object.fromEntries(required.map((name) => [name, sample(members[name]!.shape)]))
  return [
    legal(minimal),
    legal({ ...minimal, unheardOf: 1 }),
    ...required.map((name) => illegal({ ...minimal, [name]: undefined })),
    ...Object.entries(members).flatMap(([name, { shape }]) =>
      candidatesOf(shape).map((candidate) => ({
        ...candidate,
        value: { ...minimal, [name]: candidate.value },
      })),
    ),
    ...['a', 1, ['a']].map(illegal),
  ]
}

function sample(shapeName: string): unknown {
  const candidate = candidatesOf(shapeName).find(({ isLegal, isExpected }) => isLegal && isExpected)
  if (!candidate) throw new Error(`No legal value of ${shapeName} was generated`)
  return candidate.value
}

describe.each(inputs)('%s', (name, members) => {
  const schema = operations[name].input
  const minimal = Object.fromEntries(
    Object.entries(members)
      .filter(([, member]) => member.required)
      .map(([member, { shape }]) => [member, sample(shape)]),
  )

  test('takes its required members alone', () => {
    expect(schema.safeParse(minimal)).toMatchObject({ success: true })
  })

  test.each(Object.entries(members))('%s', (member, { shape, required }) => {
    const disagreements = [{ value: undefined, isExpected: !required }, ...candidatesOf(shape)].filter(
      ({ value, isExpected }) => schema.safeParse({ ...minimal, [member]: value }).success !== isExpected,
    )
    expect(disagreements).toEqual([])
  })
})

test('every deliberate difference is one', () => {
  const unused = deliberateDifferences.filter((_row, at) => !usedDifferences.has(at))
  expect(unused).toEqual([])
})

test('values were generated that are legal and illegal for every shape', () => {
  for (const [name, candidates] of candidatesByShape) {
    expect([
      name,
      candidates.some(({ isLegal }) => isLegal),
      candidates.some(({ isLegal }) => !isLegal),
    ]).toEqual([name, true, true])
  }
})
