import { limits } from '../model/limits.ts'
import { compilePattern, PatternRefused } from './pattern/compile.ts'
import type { Program } from './pattern/program.ts'
import { decodeSegment } from './request-path.ts'
import { parseSegment, type SegmentPattern } from './segment-pattern.ts'

/** What a rule's `source` stands for (contract/hosting-behaviour.md §5.3, §5.6). */
export type RuleSource =
  | PathSource
  | { kind: 'expression'; program: Program }
  /** Every address of a host. */
  | { kind: 'host'; host: string }

export interface PathSource {
  kind: 'path'
  /** What follows the first slash, split at slashes. */
  segments: SegmentPattern[]
  /** Text before `<*>` in its segment, which stands behind the others; undefined for a source without `<*>`. */
  wildcardAfter: string | undefined
  /** Parameters that have to be there. */
  query: SourceParameter[]
}

/** A placeholder takes any value. */
export type SourceParameter = { name: string } & ({ value: string } | { placeholder: string })

/** Why a rule has no effect, which AWS does not tell. */
export class RuleIgnored extends Error {}

const wildcard = '<*>'

/**
 * @param left how many characters the expressions of the site may still have, counted down
 * @throws {RuleIgnored} with the reason for which a rule with this source never applies
 */
export function parseSource(source: string, left: { expressionCharacters: number }): RuleSource {
  const expression = /^<\/(.*)\/>$/s.exec(source)?.[1]
  if (expression !== undefined) return { kind: 'expression', program: compileExpression(expression, left) }
  if (/^https?:\/\//i.test(source)) return { kind: 'host', host: parseHost(source) }
  if (!source.startsWith('/')) {
    throw new RuleIgnored(
      'Its source is no path (/…), no address of a host (https://…) and no expression (</…/>).',
    )
  }
  return parsePath(source)
}

function compileExpression(source: string, left: { expressionCharacters: number }): Program {
  if (source.length > left.expressionCharacters) {
    throw new RuleIgnored(
      `With its expression the expressions of this site have more than ${limits.siteExpressionCharactersMax.toLocaleString('en')} characters.`,
    )
  }
  left.expressionCharacters -= source.length
  try {
    return compilePattern(source)
  } catch (error) {
    if (!(error instanceof PatternRefused)) throw error
    throw new RuleIgnored(`Its expression cannot be used: ${error.message}.`)
  }
}

function parseHost(source: string): string {
  const url = URL.parse(source)
  if (!url) throw new RuleIgnored('Its source is no address of a host.')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || source.endsWith('/')) {
    throw new RuleIgnored('A source that names a host has no path: https://example.com alone.')
  }
  return url.hostname
}

function parsePath(source: string): PathSource {
  const [path = '', ...afterMark] = source.split('?')
  const stars = path.split(wildcard).length - 1
  if (stars > 1) throw new RuleIgnored('Its source has more than one <*>.')
  if (stars === 1 && !path.endsWith(wildcard))
    throw new RuleIgnored('The <*> of its source is not at the end.')
  const segments = path.slice(1).split('/').map(decodeSource)
  const wildcardAfter = stars === 1 ? segments.pop()!.slice(0, -wildcard.length) : undefined
  return {
    kind: 'path',
    segments: segments.map(parseSegment),
    wildcardAfter,
    query: parseQuery(afterMark.join('?')),
  }
}

/** A source may be written as in an address bar or as in a URL. What is no encoding stays as it is. */
function decodeSource(segment: string): string {
  try {
    return decodeSegment(segment).normalize('NFC')
  } catch (error) {
    if (error instanceof URIError) return segment
    throw error
  }
}

function parseQuery(text: string): SourceParameter[] {
  return [...new URLSearchParams(text)].map(([name, value]) => {
    const placeholder = /^<[^<>]+>$/.exec(value)?.[0]
    return placeholder === undefined ? { name, value } : { name, placeholder }
  })
}
