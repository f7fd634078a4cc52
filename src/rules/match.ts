import { limits } from '../model/limits.ts'
import { matchesWildcards } from '../model/wildcards.ts'
import type { RuleCondition } from './condition.ts'
import { type RequestBudget, searchWithin, spend } from './pattern/bounded-search.ts'
import { encodeInSegment, type RequestPath } from './request-path.ts'
import type { Rule } from './rule.ts'
import { matchSegment, takenText } from './segment-pattern.ts'
import type { PathSource } from './source.ts'
import { filledLength } from './target.ts'

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

/** Why a rule does not speak of a request. `too-late`: it was not looked at, as the budget is used up. */
export type Mismatch =
  'source' | 'query' | 'country' | 'country-unknown' | 'header' | 'over-budget' | 'too-late'

/** What it takes to look at a rule, at a parameter, and at a header; characters of one that are compared in a step. */
const ruleSteps = 3
const parameterSteps = 3
const headerSteps = 5
const comparedInStep = 4
/** Of an address that is made, and compared with the one that was asked for. */
const madeInStep = 2

/**
 * All that a rule takes is counted, and what takes long is done last: a site may have thousands of rules.
 * @returns what its placeholders took, by name, or why it does not match
 */
export function matchRule(
  rule: Rule,
  request: RuleRequest,
  budget: RequestBudget,
): Map<string, string> | Mismatch {
  if (!spend(budget, ruleSteps)) return 'too-late'
  const { source, condition } = rule
  let groups: (string | undefined)[] = []
  let mismatch: Mismatch | undefined
  if (source.kind === 'host') {
    if (source.host !== request.host) return 'source'
  } else if (source.kind === 'path') {
    mismatch = mismatchOfPath(source, request, budget)
  } else {
    const result = searchWithin(source.program, request.path.raw, budget)
    if (result === 'over-budget') return 'over-budget'
    if (result === 'none') return 'source'
    groups = result.groups
  }
  mismatch ??= condition && mismatchOfCondition(condition, request, budget)
  if (mismatch) return mismatch
  const values = source.kind === 'path' ? pathValues(source, request, budget) : groupValues(groups)
  const { path, query } = request
  const made = filledLength(rule.target, values) + path.raw.length + query.length
  return spend(budget, made / madeInStep) ? values : 'too-late'
}

function mismatchOfCondition(
  condition: RuleCondition,
  request: RuleRequest,
  budget: RequestBudget,
): Mismatch | undefined {
  if ('country' in condition) {
    const country = request.country()
    if (country === undefined) return 'country-unknown'
    return country === condition.country ? undefined : 'country'
  }
  if (!spend(budget, headerSteps)) return 'too-late'
  const value = request.header(condition.header) ?? ''
  const work = { left: comparedInStep * Math.min(limits.patternStepsMax, budget.steps) }
  const before = work.left
  const matches = matchesWildcards(value, condition.value, work)
  budget.steps -= Math.ceil((before - work.left) / comparedInStep)
  if (work.left >= 0) return matches ? undefined : 'header'
  budget.overruns += 1
  return 'over-budget'
}

function mismatchOfPath(
  source: PathSource,
  request: RuleRequest,
  budget: RequestBudget,
): Mismatch | undefined {
  const { segments } = request.path
  const { segments: patterns, wildcardAfter } = source
  const count = patterns.length
  if (wildcardAfter === undefined ? segments.length !== count : segments.length <= count) return 'source'
  for (let index = 0; index < count; index++) {
    if (!matchSegment(patterns[index]!, segments[index]!, budget)) return lateOr('source', budget)
  }
  if (wildcardAfter !== undefined && !segments[count]!.startsWith(wildcardAfter)) return 'source'
  return hasParameters(source, request, budget) ? undefined : lateOr('query', budget)
}

function lateOr(mismatch: Mismatch, { steps }: RequestBudget): Mismatch {
  return steps < 0 ? 'too-late' : mismatch
}

/** Of a path that matches. */
function pathValues(source: PathSource, request: RuleRequest, budget: RequestBudget): Map<string, string> {
  const { raw, segments, rawSegments } = request.path
  const { segments: patterns, wildcardAfter, query } = source
  const values = new Map<string, string>()
  // What stands before it, and its slash.
  let at = 1
  for (const [index, pattern] of patterns.entries()) {
    matchSegment(pattern, segments[index]!, budget, { raw: rawSegments[index]!, values })
    at += rawSegments[index]!.length + 1
  }
  if (wildcardAfter !== undefined) {
    const segment = segments[patterns.length]!
    const rawSegment = rawSegments[patterns.length]!
    const begun = takenText(segment, rawSegment, wildcardAfter.length, segment.length)
    values.set('<*>', begun + raw.slice(at + rawSegment.length))
  }
  for (const parameter of query) {
    if ('value' in parameter) continue
    values.set(parameter.placeholder, encodeInSegment(parametersOf(request).get(parameter.name)!))
  }
  return values
}

/** Read once for each request: a thousand rules may ask for parameters, and a query may have thousands. */
const parameters = new WeakMap<RuleRequest, ReadonlyMap<string, string>>()

/** The first value of each parameter. */
function parametersOf(request: RuleRequest): ReadonlyMap<string, string> {
  const known = parameters.get(request)
  if (known) return known
  const read = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(request.query)) {
    if (!read.has(name)) read.set(name, value)
  }
  parameters.set(request, read)
  return read
}

function hasParameters({ query: wanted }: PathSource, request: RuleRequest, budget: RequestBudget): boolean {
  if (wanted.length === 0) return true
  const sent = parametersOf(request)
  for (const parameter of wanted) {
    if (!spend(budget, parameterSteps)) return false
    const value = sent.get(parameter.name)
    if (value === undefined || (value === '' && !('value' in parameter))) return false
    if ('value' in parameter && value !== parameter.value) return false
  }
  return true
}

/** `$1` to `$9`: as they stand in the path, which is encoded. */
function groupValues(groups: (string | undefined)[]): Map<string, string> {
  return new Map(groups.slice(0, 10).map((group, number) => [`$${number}`, group ?? '']))
}
