import type { WrittenRule } from '../model/written-rule.ts'
import { matchRule, type RuleRequest } from './match.ts'
import { outcomeOf, type RuleOutcome } from './outcome.ts'
import type { RequestBudget } from './pattern/bounded-search.ts'
import { readRequestPath } from './request-path.ts'
import type { Rule, RuleExtensions } from './rule.ts'
import { readRules, type RuleList } from './rules.ts'
import type { PathSource } from './source.ts'

/** A rule that leads back to itself without end. */
export interface RuleLoop {
  /** Its place among all rules, from 0. */
  index: number
  kind: 'redirect' | 'proxy'
  /** An address that it takes, and the one that it makes of it. */
  from: string
  to: string
}

/** What browsers follow, about. */
const stepsMax = 20
/** Rules compared with addresses, for all of a check together: some hundredths of a second. Beyond it rules are saved. */
const comparisonsMax = 300_000
/** What takes as long as to read an address. */
const comparisonsOfAddress = 20
const patternStepsMax = 2_000_000
/** Countries that conditions name. */
const countriesMax = 20

interface Search {
  first: RuleList
  isOwnHost(host: string): boolean
  hosts: Set<string>
  left: { comparisons: number }
  budget: RequestBudget
}

interface Address {
  host: string
  path: string
  query: string
}

/**
 * Looks for a host that is redirected to itself, and for a proxy that fetches from the app's own hosts what the same rule takes
 * again (contract/hosting-behaviour.md §5.6). Files are not looked at: such rules go before them.
 * @param isOwnHost whether the app's rules hold for requests to that host, given in lower case
 */
export function findLoop(
  written: readonly WrittenRule[],
  extensions: RuleExtensions,
  isOwnHost: (host: string) => boolean,
): RuleLoop | undefined {
  const { first } = readRules(written, extensions)
  const hosts = new Set(first.all.flatMap(({ source }) => (source.kind === 'host' ? [source.host] : [])))
  const left = { comparisons: comparisonsMax }
  const search = { first, isOwnHost, hosts, left, budget: { steps: patternStepsMax, overruns: 0 } }
  const countries = new Set(
    first.all.flatMap(({ condition }) => (condition && 'country' in condition ? [condition.country] : [])),
  )
  const starts = first.all.flatMap((rule) => startsOf(rule, search).map((start) => ({ rule, start })))
  for (const country of [undefined, ...[...countries].slice(0, countriesMax)]) {
    for (const { rule, start } of starts) {
      const loop = follow(rule, start, country, search)
      if (loop) return loop
    }
  }
  return undefined
}

/** Addresses at which a loop of the rule would begin; none for a rule that can have none. */
function startsOf({ source, target, status }: Rule, { isOwnHost }: Search): Address[] {
  if (source.kind === 'host') {
    return ['/', '/some/page'].map((path) => ({ host: source.host, path, query: '' }))
  }
  const host = target.origin === undefined ? undefined : URL.parse(target.origin)?.hostname
  if (status !== '200' || host === undefined || !isOwnHost(host)) return []
  if (source.kind === 'path') return [{ host, ...sampleOf(source) }]
  // What an expression matches cannot be told from it; what its target is, can.
  const { location } = addressOf({ kind: 'proxy', url: target.origin + target.path.texts.join('x') })
  return location ? [location] : []
}

/** An address that the source takes. */
function sampleOf({ segments, wildcardAfter, query }: PathSource): Pick<Address, 'path' | 'query'> {
  const written = segments.map(({ texts }) => encodeURIComponent(texts.join('x')))
  if (wildcardAfter !== undefined) written.push(`${encodeURIComponent(wildcardAfter)}x`)
  const parameters = query.map((one): [string, string] => [one.name, 'value' in one ? one.value : 'x'])
  const text = new URLSearchParams(parameters).toString()
  return { path: `/${written.join('/')}`, query: text === '' ? '' : `?${text}` }
}

/** @returns the loop, if the rule is met again and again on the way from the address */
function follow(
  rule: Rule,
  start: Address,
  country: string | undefined,
  search: Search,
): RuleLoop | undefined {
  let at = start
  let found: RuleLoop | undefined
  let met = 0
  for (let step = 0; step < stepsMax; step++) {
    const taken = takeStep(at, country, search)
    if (!taken) return undefined
    if (taken.rule === rule) {
      met++
      const from = `https://${at.host}${at.path}${at.query}`
      const kind = rule.source.kind === 'host' && rule.status !== '200' ? 'redirect' : 'proxy'
      found ??= { index: rule.index, kind, from, to: taken.to }
    }
    at = taken.next
  }
  return met > 1 ? found : undefined
}

/** What the first rule that matches leads to, as long as this app's rules hold there. */
function takeStep(
  { host, path: rawPath, query }: Address,
  country: string | undefined,
  { first, isOwnHost, hosts, left, budget }: Search,
): { rule: Rule; next: Address; to: string } | undefined {
  if (left.comparisons <= 0) return undefined
  left.comparisons -= comparisonsOfAddress
  const path = readRequestPath(rawPath)
  if (!path) return undefined
  const request: RuleRequest = { host, path, query, country: () => country, header: () => null }
  for (const rule of first.candidates(path)) {
    if (left.comparisons-- <= 0) return undefined
    const values = matchRule(rule, request, budget)
    if (typeof values === 'string') continue
    const { location, to } = addressOf(outcomeOf(rule, request, values), host)
    if (!location || !(isOwnHost(location.host) || hosts.has(location.host))) return undefined
    return { rule, next: location, to }
  }
  return undefined
}

/** A rewrite shows a file, and leads nowhere; neither does what is refused. */
function addressOf(outcome: RuleOutcome, host = ''): { location: Address | undefined; to: string } {
  if (outcome.kind === 'rewrite' || outcome.kind === 'out-of-target') return { location: undefined, to: '' }
  const to = outcome.kind === 'proxy' ? outcome.url : outcome.location
  const url = URL.parse(to, `https://${host || 'localhost'}`)
  const location = url ? { host: url.hostname, path: url.pathname, query: url.search } : undefined
  return { location, to: url?.href ?? to }
}

/** Says of a loop which rule it is, why that is one, and what to do about it. */
export function explainLoop({ index, kind, from, to }: RuleLoop, { source }: WrittenRule): string {
  const rule = `The custom rule for ${JSON.stringify(source)}, number ${index + 1},`
  return kind === 'redirect'
    ? `${rule} leads to itself: ${from} is redirected to ${to}, which the rules redirect again, without end. A source that names a host stands for all its addresses, of both schemes. Give the rule another host as its target, or a path as its source.`
    : `${rule} leads to itself: for ${from} it fetches ${to} from this app, where it matches again, without end. Write a path of the site as its target, without a host, or one that the source does not match.`
}
