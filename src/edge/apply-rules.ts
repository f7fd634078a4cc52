import { isHostingFile } from '../model/hosting-files.ts'
import { lookUpExact, lookUpRewrite, lookUpStatic } from '../model/static-lookup.ts'
import { matchRule, type Mismatch, type RuleRequest } from '../rules/match.ts'
import { outcomeOf, type RuleOutcome } from '../rules/outcome.ts'
import type { RequestBudget } from '../rules/pattern/bounded-search.ts'
import { isSinglePageRule, type Rule } from '../rules/rule.ts'
import type { RuleList } from '../rules/rules.ts'
import { contentTypeOf, isPageType } from './content-type.ts'
import type { Action, FileAction } from './decide.ts'
import type { Deployment, Site } from './site.ts'

/** A request to a site that has been deployed, on its way to an answer. */
export interface Asked {
  site: Site
  deployment: Deployment
  request: RuleRequest
  /** Whether it is a GET or a HEAD, which alone files answer. */
  isRead: boolean
  budget: RequestBudget
  /** Whether a file answers without rules: looked up once, by the first rule that asks. */
  isFile?: boolean
  trace: Trace | undefined
}

/** Is told what a decision comes from: of each rule that is looked at, in order. */
export interface Trace {
  rule(rule: Rule, result: RuleOutcome | Mismatch | PassedOver): void
  /** The path of a rewrite is no file. */
  rewriteMissed(rule: Rule, path: string): void
  /** A pattern of custom headers, by its place, took too long. */
  headerPatternGivenUp(place: number): void
}

/** Why a rule is passed over although it matches. */
export type PassedOver = 'leads-to-itself' | 'file-exists'

/**
 * Redirects, rewrites and proxies, which go before files (contract/hosting-behaviour.md §5.4, step 2).
 * @returns `nothing-there` for a rewrite to what is no file: files are not looked at any more
 */
export function applyFirstRules(asked: Asked): Action | 'nothing-there' | undefined {
  for (const { rule, outcome } of matching(asked.site.rules.first, asked)) {
    if (outcome.kind !== 'rewrite') return outcome
    return asked.isRead ? (rewrite(asked, rule, outcome.path, 200) ?? 'nothing-there') : undefined
  }
  return undefined
}

/** The two kinds of 404, when nothing else has answered (step 4). */
export function applyLastRules(asked: Asked): Action | undefined {
  for (const { rule, outcome } of matching(asked.site.rules.last, asked)) {
    if (outcome.kind !== 'rewrite') return outcome
    const isPage = asked.site.options.singlePageStatus200 && isSinglePageRule(rule)
    return rewrite(asked, rule, outcome.path, isPage ? 200 : 404)
  }
  return undefined
}

export function fileAt(deployment: Deployment, path: string, status: 200 | 404): FileAction {
  return { kind: 'file', status, deployment, path, file: deployment.files.get(path)! }
}

/**
 * A file that is in the deployment no more, and was in one that was live a short while ago: pages of that are open still. Pages
 * themselves are not among them, nor are files that tell how to host the site.
 * @param path percent-encoded, from its first slash on
 */
export function replacedAsset({ replaced }: Site, path: string): FileAction | undefined {
  for (const deployment of replaced) {
    const name = lookUpExact(deployment.files, path)
    if (name === undefined || isHostingFile(name)) continue
    if (!isPageType(contentTypeOf(name).value)) return fileAt(deployment, name, 200)
  }
  return undefined
}

function rewrite(
  { site, deployment, trace }: Asked,
  rule: Rule,
  target: string,
  status: 200 | 404,
): FileAction | undefined {
  const path = lookUpRewrite(deployment.files, target)
  if (path !== undefined) return fileAt(deployment, path, status)
  const asset = status === 200 ? replacedAsset(site, target) : undefined
  if (asset) return asset
  trace?.rewriteMissed(rule, target)
  return undefined
}

/** The rules that match, in order, with what they say. */
function* matching(rules: RuleList, asked: Asked): Iterable<{ rule: Rule; outcome: RuleOutcome }> {
  const { request, budget, trace } = asked
  for (const rule of trace ? rules.all : rules.candidates(request.path)) {
    const values = matchRule(rule, request, budget)
    if (typeof values === 'string') {
      trace?.rule(rule, values)
      // Whoever wants to know why hears it of each of the others.
      if (values === 'too-late' && !trace) return
      continue
    }
    const outcome = outcomeOf(rule, request, values)
    const passedOver = whyPassedOver(outcome, asked)
    trace?.rule(rule, passedOver ?? outcome)
    if (!passedOver) yield { rule, outcome }
  }
}

/** Whether files answer, also by leading to the one address of a page. */
function hasFile(
  files: { has(path: string): boolean },
  path: string,
  query: string,
  { trailingSlash }: Site['options'],
): boolean {
  const found = lookUpStatic(files, path, query, trailingSlash)
  if (found.kind !== 'redirect' || trailingSlash === 'auto') return found.kind === 'file'
  const led = lookUpStatic(files, found.location.replace(/\?.*/, ''), '', trailingSlash)
  return led.kind === 'file'
}

function whyPassedOver(outcome: RuleOutcome, asked: Asked): PassedOver | undefined {
  const { site, deployment, request } = asked
  const { path, query, host } = request
  if (outcome.kind === 'redirect') {
    const own = path.raw + query
    const here =
      URL.parse(outcome.location)?.hostname === host
        ? outcome.location.replace(/^[^/]*\/\/[^/]*/, '')
        : undefined
    return outcome.location === own || here === own ? 'leads-to-itself' : undefined
  }
  if (outcome.kind !== 'rewrite' || !site.options.rewriteMissingOnly || outcome.status) return undefined
  asked.isFile ??= hasFile(deployment.files, path.raw, query, site.options)
  return asked.isFile ? 'file-exists' : undefined
}
