import { isLegalText, textOf } from './contract-texts.ts'
import { type Members, type Shape, shapes } from './contract.ts'

/** Beginnings that make a text of any length mean something to the server, where the model allows more than makes sense. */
const beginnings: Record<string, string> = {
  Repository: 'https://git.example/',
  CustomHeaders: 'customHeaders: [] #',
}

/** What members of these shapes are set to; the model would allow much that makes no sense. */
const ordinaryTexts: Record<string, string> = {
  BranchName: 'main',
  CommitMessage: 'Grüße\nund mehr',
  CustomHeaders: 'customHeaders:\n  - pattern: "**"\n    headers: []\n',
  Description: 'a "site" – with \\ and\nlines',
  DisplayName: 'shown',
  DomainName: 'garden.example',
  DomainPrefix: 'www',
  EnvironmentName: 'staging',
  FileName: 'index.html',
  MD5Hash: '0123456789abcdef0123456789abcdef',
  Repository: 'https://git.example/site.git',
  SourceUrl: 'https://files.example/site.zip',
  Status: '404-200',
  TagKey: 'team:web/1',
  TagValue: 'Ä b=1',
  TTL: '30',
}

/** A text of this length that fits the model, and that the server can make sense of where that is possible. */
export function textOfLength(shape: string, length: number): string {
  const beginning = beginnings[shape]
  return beginning === undefined
    ? textOf(shapes[shape]!, length)
    : beginning.padEnd(length, 'a').slice(0, length)
}

/** Values that make sense to the server: every one of an enum, both booleans, one or two of everything else. */
export function ordinaryValues(shapeName: string): unknown[] {
  const shape = shapes[shapeName]!
  switch (shape.type) {
    case 'string':
      return shape.enum ?? [ordinaryTexts[shapeName] ?? textOfLength(shapeName, ordinaryLength(shape))]
    case 'boolean':
      return [true, false]
    case 'timestamp':
      return [new Date(1_704_164_645_000)]
    case 'integer':
      return [5]
    case 'list':
      return [ordinaryValues(shape.member!)]
    case 'map':
      return [
        {
          [String(ordinaryValue(shape.key!))]: ordinaryValue(shape.value!),
          other: ordinaryValue(shape.value!),
        },
      ]
    case 'structure':
      return structures(shape)
    default:
      throw new Error(`No values for the type ${shape.type}`)
  }
}

export const ordinaryValue = (shapeName: string): unknown => ordinaryValues(shapeName)[0]

const ordinaryLength = ({ minLength = 0, maxLength = 255 }: Shape) =>
  Math.min(Math.max(minLength, 60), maxLength)

/** One with all members, one with the required alone, and all values of each member. */
function structures({ members = {}, required = [] }: Shape): Members[] {
  const of = (names: string[]): Members =>
    Object.fromEntries(names.map((name) => [name, ordinaryValue(members[name]!.shape)]))
  const full = of(Object.keys(members))
  const variants = Object.entries(members).flatMap(([name, { shape }]) =>
    ordinaryValues(shape)
      .slice(1)
      .map((value) => ({ ...full, [name]: value })),
  )
  const distinct = new Map([full, of(required), ...variants].map((value) => [JSON.stringify(value), value]))
  return [...distinct.values()]
}

/** A value at a bound of the model, or the first one past it. */
export interface BoundValue {
  /** Where in the member and which constraint, as a test's name. */
  bound: string
  /** The shape that has the constraint. */
  shape: string
  value: unknown
  isPast: boolean
}

/** All bounds of a shape and of what is nested in it. */
export function boundValues(shapeName: string, at = ''): BoundValue[] {
  const shape = shapes[shapeName]!
  const boundValue: MakeBound = (bound, isPast, value) => ({
    bound: `${at}${bound}`,
    shape: shapeName,
    value,
    isPast,
  })
  switch (shape.type) {
    case 'string':
      return textBounds(shapeName, shape, boundValue)
    case 'integer':
      return [
        boundValue('minimum', false, shape.minimum),
        boundValue('minimum', true, shape.minimum! - 1),
        boundValue('maximum', false, shape.maximum),
        boundValue('maximum', true, shape.maximum! + 1),
      ]
    case 'list':
      return [
        ...countBounds(shape, boundValue, (count) =>
          Array.from({ length: count }, (_item, index) => numbered(shape.member!, index)),
        ),
        ...nested(shape.member!, `${at}[].`, (item) => [item]),
      ]
    case 'map':
      return [
        ...countBounds(shape, boundValue, (count) =>
          Object.fromEntries(Array.from({ length: count }, (_item, index) => [`k${index}`, 'v'])),
        ),
        ...nested(shape.key!, `${at}key.`, (key) => ({ [String(key)]: ordinaryValue(shape.value!) })),
        ...nested(shape.value!, `${at}value.`, (entry) => ({ [String(ordinaryValue(shape.key!))]: entry })),
      ]
    case 'structure':
      return Object.entries(shape.members ?? {}).flatMap(([name, member]) =>
        nested(member.shape, `${at}${name}.`, (entry) => ({ ...requiredOf(shape), [name]: entry })),
      )
    default:
      return []
  }
}

type MakeBound = (bound: string, isPast: boolean, value: unknown) => BoundValue

function textBounds(name: string, shape: Shape, value: MakeBound): BoundValue[] {
  const { minLength = 0, maxLength, enum: values } = shape
  if (values) return [...values.map((text) => value(text, false, text)), value('enum', true, `${values[0]}x`)]
  const misfit = ['D!', ' ', '\u{1f600}']
    .map((text) => text.padEnd(minLength, text))
    .find((text) => !isLegalText(shape, text))
  return [
    ...(minLength > 0
      ? [
          value('minLength', false, shortestLegal(name, shape, minLength)),
          value('minLength', true, textOfLength(name, minLength - 1)),
        ]
      : []),
    ...(maxLength === undefined
      ? []
      : [
          value('maxLength', false, textOfLength(name, maxLength)),
          value('maxLength', true, textOfLength(name, maxLength + 1)),
        ]),
    ...(misfit === undefined ? [] : [value('pattern', true, misfit)]),
  ]
}

/** Where the pattern asks for more than the length does, a little longer. */
function shortestLegal(name: string, shape: Shape, length: number): string {
  const text = textOfLength(name, length)
  return isLegalText(shape, text) ? text : shortestLegal(name, shape, length + 1)
}

function countBounds(
  { minItems = 0, maxItems }: Shape,
  value: MakeBound,
  make: (count: number) => unknown,
): BoundValue[] {
  return [
    ...(minItems > 0
      ? [value('minItems', false, make(minItems)), value('minItems', true, make(minItems - 1))]
      : []),
    ...(maxItems === undefined
      ? []
      : [value('maxItems', false, make(maxItems)), value('maxItems', true, make(maxItems + 1))]),
  ]
}

function nested(shape: string, at: string, wrap: (value: unknown) => unknown): BoundValue[] {
  return boundValues(shape, at).map((bound) => ({ ...bound, value: wrap(bound.value) }))
}

function requiredOf({ members = {}, required = [] }: Shape): Members {
  return Object.fromEntries(required.map((name) => [name, ordinaryValue(members[name]!.shape)]))
}

/** Items of a list that are all different. */
function numbered(shapeName: string, index: number): unknown {
  const shape = shapes[shapeName]!
  if (shape.type !== 'structure') return `k${index}`
  return { ...requiredOf(shape), prefix: `p${index}` }
}
