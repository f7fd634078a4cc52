import { limits } from '../../model/limits.ts'
import { compilePattern } from './compile.ts'
import { search } from './search.ts'

/** What expressions are made of, none of which matches. */
const expressions = [
  '(a*)*b',
  '^(?=.*z)(?=.*y).*$',
  '[^]{1,1000}[^]{1,1000}z',
  String.raw`(?:(?=(a)*)(a)\1)*z`,
]

/**
 * Searches until JSC has compiled the search, about 30 ms: before that a step takes ten times as long, and so would the
 * first request whose expression uses its budget up.
 */
export function warmPatterns(): void {
  const text = `/${'a'.repeat(4000)}`
  for (const expression of expressions) {
    const program = compilePattern(expression)
    for (let turn = 0; turn < 3; turn++) search(program, text, { steps: limits.patternStepsMax })
  }
}
