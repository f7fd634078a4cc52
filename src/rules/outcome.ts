import type { RuleRequest } from './match.ts'
import type { Rule } from './rule.ts'
import { fill, onThisHost, type Template } from './target.ts'

/** What a rule that matches says (contract/hosting-behaviour.md §5.4). */
export type RuleOutcome =
  | { kind: 'redirect'; status: 301 | 302; location: string }
  /** Another path of the same site, percent-encoded; `status` where it is not the one of what is found there. */
  | { kind: 'rewrite'; path: string; status?: 404 }
  | { kind: 'proxy'; url: string; status?: 404 }
  /** What was taken from the request would lead out of the folder that the target names. */
  | { kind: 'out-of-target' }

/** @param values what its placeholders took */
export function outcomeOf(
  rule: Rule,
  { path, query }: RuleRequest,
  values: ReadonlyMap<string, string>,
): RuleOutcome {
  const { source, target, status } = rule
  const isRedirect = status === '301' || status === '302' || status === '404'
  const written = fill(target.path, values)
  const targetPath = source.kind === 'host' ? written.replace(/\/$/, '') + path.raw : written
  // The path of a rewrite is a key among the files, where such segments lead nowhere.
  if ((isRedirect || target.origin !== undefined) && leavesTarget(target.path, targetPath)) {
    return { kind: 'out-of-target' }
  }
  const shownQuery = queryOf(rule, query, values)
  if (isRedirect) {
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

/**
 * Segments by which a path goes up, or stays: as URLs are read, and as servers do that decode `%2f` first, take `\` for a slash
 * or leave out what follows a `;`. Both cases are spelled out: without regard to case it takes twice as long.
 */
const dotSegment = /(?:^|[/\\]|%(?:2[fF]|5[cC]))(?:\.|%2[eE]){1,2}(?=$|[/\\;]|%(?:2[fF]|5[cC]|3[bB]))/g

const dotSegmentsOf = (path: string) => path.match(dotSegment)?.length ?? 0

/** Whether the path has more of such segments than its template, whose author may write them. */
function leavesTarget(template: Template, path: string): boolean {
  if (!/\.|%2e/i.test(path)) return false
  return dotSegmentsOf(path) > dotSegmentsOf(template.texts.join('x'))
}

/** The visitor's whole query goes along, unless the rule speaks of queries itself (§5.6). */
function queryOf({ source, target }: Rule, query: string, values: ReadonlyMap<string, string>): string {
  const own = fill(target.query, values, encodeInQuery)
  const isAsked = source.kind === 'path' && source.query.length > 0
  return own !== '' || isAsked ? own : query
}

/** In a path these stand for themselves; in a query they would begin another parameter, or be a space. */
function encodeInQuery(value: string): string {
  return value.replace(/[&;+]/g, encodeURIComponent)
}
