import { isInNetwork, parseNetwork } from '../model/addresses.ts'
import { listOf, type PolicyStatement } from '../model/policy-document.ts'
import { matchesWildcards } from '../model/wildcards.ts'

/** What conditions of a policy may look at. Absent members are absent from the request, as IAM has it. */
export interface ConditionContext {
  sourceIp: string
  /** Epoch milliseconds. */
  now: number
  userName: string
  principalArn: string
  region: string
  /** Tags that the request sets. */
  requestTags?: Readonly<Record<string, string>> | undefined
  /** Keys of the tags that the request sets or removes. */
  tagKeys?: readonly string[] | undefined
  /** Tags that the resource has. */
  resourceTags?: Readonly<Record<string, string>> | undefined
}

type Values = readonly string[] | undefined

/** Names are compared without regard to case (IAM's policy grammar). */
const keys: Record<string, (context: ConditionContext) => Values> = {
  'aws:sourceip': ({ sourceIp }) => [sourceIp],
  'aws:currenttime': ({ now }) => [new Date(now).toISOString()],
  'aws:username': ({ userName }) => [userName],
  'aws:principalarn': ({ principalArn }) => [principalArn],
  'aws:requestedregion': ({ region }) => [region],
  'aws:tagkeys': ({ tagKeys }) => (tagKeys?.length ? tagKeys : undefined),
}

const tagPrefixes: Record<string, (context: ConditionContext) => ConditionContext['requestTags']> = {
  'aws:requesttag/': ({ requestTags }) => requestTags,
  'aws:resourcetag/': ({ resourceTags }) => resourceTags,
}

/** Splits `aws:RequestTag/team` into what kind of tag it asks for, and the tag's key. */
function tagOf(key: string): { prefix: string; tagKey: string } | undefined {
  const end = key.indexOf('/') + 1
  const prefix = key.slice(0, end).toLowerCase()
  return Object.hasOwn(tagPrefixes, prefix) && end < key.length
    ? { prefix, tagKey: key.slice(end) }
    : undefined
}

export const isConditionKey = (key: string) =>
  Object.hasOwn(keys, key.toLowerCase()) || tagOf(key) !== undefined

/** The one key with several values at once: whether any or all of them are meant must be said. */
export const isMultivaluedKey = (key: string) => key.toLowerCase() === 'aws:tagkeys'

export const asksForResourceTags = (key: string) => tagOf(key)?.prefix === 'aws:resourcetag/'

function valuesOf(key: string, context: ConditionContext): Values {
  const tag = tagOf(key)
  if (!tag) return keys[key.toLowerCase()]?.(context)
  const value = tagValue(tagPrefixes[tag.prefix]!(context) ?? {}, tag.tagKey)
  return value === undefined ? undefined : [value]
}

/** In any spelling, since IAM compares keys so; where a resource has several, the one that is spelt alike. */
function tagValue(tags: Readonly<Record<string, string>>, tagKey: string): string | undefined {
  if (Object.hasOwn(tags, tagKey)) return tags[tagKey]
  const spelling = Object.keys(tags).find((each) => each.toLowerCase() === tagKey.toLowerCase())
  return spelling === undefined ? undefined : tags[spelling]
}

interface Operator {
  /** What must be said of a value that the operator cannot use; undefined for one that it can. */
  check?(expected: string): string | undefined
  matches(actual: string, expected: string): boolean
  /** Holds where none of the values matches. */
  negated?: boolean
}

const negated = (operator: Operator): Operator => ({ ...operator, negated: true })

const equals: Operator = { matches: (actual, expected) => actual === expected }
const equalsIgnoringCase: Operator = {
  matches: (actual, expected) => actual.toLowerCase() === expected.toLowerCase(),
}
const like: Operator = { matches: matchesWildcards }
const inNetwork: Operator = {
  check: (expected) =>
    parseNetwork(expected) ? undefined : 'must be an IP address or a network as 203.0.113.0/24',
  matches(actual, expected) {
    const network = parseNetwork(expected)
    return network !== undefined && isInNetwork(actual, network)
  },
}
const truth = (text: string) => (/^(true|false)$/i.test(text) ? text.toLowerCase() : undefined)
const bool: Operator = {
  check: (expected) => (truth(expected) ? undefined : 'must be true or false'),
  matches: (actual, expected) => truth(actual) !== undefined && truth(actual) === truth(expected),
}

function date(compare: (actual: number, expected: number) => boolean): Operator {
  return {
    check: (expected) =>
      parseTime(expected) === undefined
        ? 'must be a time as 2026-12-31T23:59:59Z, or epoch seconds'
        : undefined,
    matches(actual, expected) {
      const [a, b] = [parseTime(actual), parseTime(expected)]
      return a !== undefined && b !== undefined && compare(a, b)
    },
  }
}

const isoTime = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

/** Epoch milliseconds of a time in ISO 8601 or in epoch seconds; undefined for whatever else, the 31st of February too. */
function parseTime(text: string): number | undefined {
  if (/^\d{9,12}$/.test(text)) return Number(text) * 1000
  const [, day] = isoTime.exec(text) ?? []
  if (day === undefined) return undefined
  const midnight = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

const operators: Record<string, Operator> = {
  StringEquals: equals,
  StringNotEquals: negated(equals),
  StringEqualsIgnoreCase: equalsIgnoringCase,
  StringNotEqualsIgnoreCase: negated(equalsIgnoringCase),
  StringLike: like,
  StringNotLike: negated(like),
  DateEquals: date((actual, expected) => actual === expected),
  DateNotEquals: negated(date((actual, expected) => actual === expected)),
  DateLessThan: date((actual, expected) => actual < expected),
  DateLessThanEquals: date((actual, expected) => actual <= expected),
  DateGreaterThan: date((actual, expected) => actual > expected),
  DateGreaterThanEquals: date((actual, expected) => actual >= expected),
  IpAddress: inNetwork,
  NotIpAddress: negated(inNetwork),
  Bool: bool,
}

/** Asks whether a key is absent, and so knows neither sets nor `IfExists`. */
const nullOperator = 'Null'

interface ParsedOperator {
  set: 'any' | 'all' | undefined
  ifExists: boolean
  /** Undefined for `Null`. */
  operator: Operator | undefined
}

/** Takes `ForAnyValue:StringLikeIfExists` apart. Undefined for an operator that is not known. */
function parseOperator(text: string): ParsedOperator | undefined {
  if (text === nullOperator) return { set: undefined, ifExists: false, operator: undefined }
  const [, set, name = '', ifExists] = /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(text) ?? []
  if (!Object.hasOwn(operators, name)) return undefined
  return {
    set: set === undefined ? undefined : set === 'ForAnyValue' ? 'any' : 'all',
    ifExists: ifExists !== undefined,
    operator: operators[name],
  }
}

/** What stands against an operator with a key; undefined when it can be used. */
export function operatorProblem(text: string, key: string): string | undefined {
  const parsed = parseOperator(text)
  if (!parsed) return `The operator ${text} is not known`
  if (parsed.operator && parsed.set === undefined && isMultivaluedKey(key)) {
    return `${key} has several values: say ForAnyValue:${text} or ForAllValues:${text}`
  }
  return undefined
}

/** What must be said of a value of a known operator; undefined when it can be used. */
export function valueProblem(operatorText: string, expected: string): string | undefined {
  return (parseOperator(operatorText)?.operator ?? bool).check?.(expected)
}

/** Whether all conditions of a checked statement hold. */
export function conditionsHold(
  conditions: NonNullable<PolicyStatement['Condition']>,
  context: ConditionContext,
): boolean {
  return Object.entries(conditions).every(([operatorText, expectedByKey]) => {
    const parsed = parseOperator(operatorText)
    // Stored documents have been checked: this is a bug, and must not open a door.
    if (!parsed) throw new Error(`The condition operator ${operatorText} is not known`)
    return Object.entries(expectedByKey).every(([key, expected]) =>
      holds(parsed, valuesOf(key, context), listOf(expected)),
    )
  })
}

function holds({ set, ifExists, operator }: ParsedOperator, actual: Values, expected: string[]): boolean {
  if (!operator) return expected.some((value) => truth(value) === String(actual === undefined))
  if (actual === undefined) return ifExists || set === 'all' || (set !== 'any' && operator.negated === true)
  const isMet = (value: string) =>
    expected.some((each) => operator.matches(value, each)) !== (operator.negated === true)
  return set === 'any' ? actual.some(isMet) : actual.every(isMet)
}
