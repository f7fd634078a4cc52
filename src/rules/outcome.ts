import type { RuleRequest } from './match.ts'
import type { Rule } from './rule.ts'
import { fill, onThisHost } from './target.ts'

/** What a rule that matches says (contract/hosting-behaviour.md §5.4). */
export type RuleOutcome =
  | { kind: 'redirect'; status: 301 | 302; location: string }
  /** Another path of the same site, percent-encoded; `status` where it is not the one of what is found there. */
  | { kind: 'rewrite'; path: string; status?: 404 }
  | { kind: 'proxy'; url: string; status?: 404 }

/** @param values what its placeholders took */
export function outcomeOf(
  rule: Rule,
  { path, query }: RuleRequest,
  values: ReadonlyMap<string, string>,
): RuleOutcome {
  const { source, target, status } = rule
  const written = fill(target.path, values)
  const targetPath = source.kind === 'host' ? written.replace(/\/$/, '') + path.raw : written
  const shownQuery = queryOf(rule, query, values)
  if (status === '301' || status === '302' || status === '404') {
    const place =
      target.origin === undefined ? onThisHost(targetPath) : target.origin + afterOrigin(targetPath)
    const location = place + shownQuery + fill(target.fragment, values)
    return { kind: 'redirect', status: status === '301' ? 301 : 302, location }
  }
  const shown = status === '404-200' ? { status: 404 as const } : {}
  if (target.origin === undefined) return { kind: 'rewrite', path: onThisHost(targetPath), ...shown }
  return { kind: 'proxy', url: target.origin + afterOrigin(targetPath) + shownQuery, ...shown }
}

/** Whatever is taken from a request stands behind the host, never in it. */
function afterOrigin(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`
}

/** The visitor's whole query goes along, unless the rule speaks of queries itself (§5.6). */
function queryOf({ source, target }: Rule, query: string, values: ReadonlyMap<string, string>): string {
  const own = fill(target.query, values)
  const isAsked = source.kind === 'path' && source.query.length > 0
  return own !== '' || isAsked ? own : query
}
