import { compilePattern } from './compile.ts'
import type { Program } from './program.ts'

const tokens = /\/\*\*\/|\*\*|\*|[{},]|[^*{},/]+|\//g

/**
 * Compiles a pattern for paths (contract/hosting-behaviour.md §6.1): `*` is anything within a segment, `**` anything, and
 * between slashes any number of folders, also none; `{a,b}` is one of these. Its first slash may be left out.
 * @returns a program that matches whole paths, decoded, from their first slash on
 */
export function compileGlob(pattern: string): Program {
  const hasBraces = areBalanced(pattern)
  const path = pattern.startsWith('/') ? pattern : `/${pattern}`
  let depth = 0
  const expression = path.replaceAll(tokens, (token) => {
    if (token === '/**/') return '/(?:[^]*/)?'
    if (token === '**') return '[^]*'
    if (token === '*') return '[^/]*'
    if (hasBraces && token === '{') depth++
    if (hasBraces && token === '{') return '(?:'
    if (hasBraces && token === '}') depth--
    if (hasBraces && token === '}') return ')'
    if (depth > 0 && token === ',') return '|'
    return token.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
  })
  return compilePattern(`^${expression}$`)
}

/** Braces that do not go together are characters like any other. */
function areBalanced(pattern: string): boolean {
  let depth = 0
  for (const character of pattern) {
    if (character === '{') depth++
    if (character === '}') depth--
    if (depth < 0) return false
  }
  return depth === 0
}

/** Wildcards of other tools that mean nothing here, as `?` and `!(…)`: each stands for its own characters. */
function foreignWildcards(pattern: string): string[] {
  const found = pattern.match(/[!@+?]\(|\?|\[[^\]]*\]/g) ?? []
  return [...new Set(found.map((text) => (text.endsWith('(') ? `${text}…)` : text)))]
}

/** Says of a pattern of custom headers that it may mean something else than was thought; undefined for one that does not. */
export function patternWarning(pattern: string): string | undefined {
  const foreign = foreignWildcards(pattern)
  if (foreign.length === 0) return undefined
  return `In the pattern ${JSON.stringify(pattern)} of custom headers ${foreign.join(', ')} ${foreign.length === 1 ? 'stands' : 'stand'} for nothing but these characters: the wildcards are *, ** and {a,b}.`
}
