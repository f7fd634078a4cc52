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
    return matchesWildcards(request.header(condition.header) ?? '', condition.value) ? matched : 'header'
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

function matchPath(source: PathSource, { path, query }: RuleRequest): Map<string, string> | Mismatch {
  const { segments, rawSegments } = path
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
  return matchQuery(source, query, values) ? values : 'query'
}

function matchQuery({ query: wanted }: PathSource, query: string, values: Map<string, string>): boolean {
  if (wanted.length === 0) return true
  const sent = new URLSearchParams(query)
  for (const parameter of wanted) {
    const value = sent.get(parameter.name)
    if (value === null) return false
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
