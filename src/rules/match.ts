import { matchesWildcards } from '../model/wildcards.ts'
import { type RequestBudget, searchWithin } from './pattern/bounded-search.ts'
import { encodeInSegment, type RequestPath } from './request-path.ts'
import type { Rule } from './rule.ts'
import { matchSegment, takenText } from './segment-pattern.ts'
import type { PathSource } from './source.ts'

/** What rules look at in a request. */
export interface RuleRequest {
  /** Host name alone, in lower case. */
  host: string
  path: RequestPath
  /** With its `?`, or empty. */
  query: string
  /** Of the visitor, where it is known. */
  country(): string | undefined
  header(name: string): string | null
}

/** Why a rule does not speak of a request. */
export type Mismatch = 'source' | 'query' | 'country' | 'country-unknown' | 'header' | 'over-budget'

/** @returns what its placeholders took, by name, or why it does not match */
export function matchRule(
  rule: Rule,
  request: RuleRequest,
  budget: RequestBudget,
): Map<string, string> | Mismatch {
  const { source, condition } = rule
  const matched = matchSource(source, request, budget)
  if (typeof matched === 'string' || !condition) return matched
  if ('header' in condition) {
    const value = request.header(condition.header) ?? ''
    // A comparison looks at each character a few times, which takes as long as a step takes for three.
    budget.steps -= Math.ceil(value.length / 3)
    if (budget.steps < 0) return 'over-budget'
    return matchesWildcards(value, condition.value) ? matched : 'header'
  }
  const country = request.country()
  if (country === undefined) return 'country-unknown'
  return country === condition.country ? matched : 'country'
}

function matchSource(
  source: Rule['source'],
  request: RuleRequest,
  budget: RequestBudget,
): Map<string, string> | Mismatch {
  switch (source.kind) {
    case 'host':
      return source.host === request.host ? new Map() : 'source'
    case 'path':
      return matchPath(source, request)
    default: {
      const result = searchWithin(source.program, request.path.raw, budget)
      if (result === 'over-budget') return 'over-budget'
      return result === 'none' ? 'source' : groupValues(result.groups)
    }
  }
}

function matchPath(source: PathSource, request: RuleRequest): Map<string, string> | Mismatch {
  const { segments, rawSegments } = request.path
  const { segments: patterns, wildcardAfter } = source
  const count = patterns.length
  if (wildcardAfter === undefined ? segments.length !== count : segments.length <= count) return 'source'
  const values = new Map<string, string>()
  for (let index = 0; index < count; index++) {
    if (!matchSegment(patterns[index]!, segments[index]!, rawSegments[index]!, values)) return 'source'
  }
  if (wildcardAfter !== undefined) {
    const segment = segments[count]!
    if (!segment.startsWith(wildcardAfter)) return 'source'
    const begun = takenText(segment, rawSegments[count]!, wildcardAfter.length, segment.length)
    values.set('<*>', [begun, ...rawSegments.slice(count + 1)].join('/'))
  }
  return matchQuery(source, request, values) ? values : 'query'
}

/** Read once for each request: a thousand rules may ask for parameters, and a query may have thousands. */
const parameters = new WeakMap<RuleRequest, ReadonlyMap<string, string>>()

/** The first value of each parameter. */
function parametersOf(request: RuleRequest): ReadonlyMap<string, string> {
  let known = parameters.get(request)
  if (!known) {
    known = new Map([...new URLSearchParams(request.query)].toReversed())
    parameters.set(request, known)
  }
  return known
}

function matchQuery(
  { query: wanted }: PathSource,
  request: RuleRequest,
  values: Map<string, string>,
): boolean {
  if (wanted.length === 0) return true
  const sent = parametersOf(request)
  for (const parameter of wanted) {
    const value = sent.get(parameter.name)
    if (value === undefined) return false
    if ('value' in parameter) {
      if (value !== parameter.value) return false
    } else if (value === '') {
      return false
    } else {
      values.set(parameter.placeholder, encodeInSegment(value))
    }
  }
  return true
}

/** `$1` to `$9`: as they stand in the path, which is encoded. */
function groupValues(groups: (string | undefined)[]): Map<string, string> {
  return new Map(groups.slice(0, 10).map((group, number) => [`$${number}`, group ?? '']))
}
