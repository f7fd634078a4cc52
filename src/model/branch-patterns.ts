/**
 * Whether a branch name matches one of the patterns that clients give: `*` is any run of characters but `/`, `**` any run
 * (contract/hosting-behaviour.md §4.2). Nothing else in a pattern is special.
 */
export function matchesPattern(branchName: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(branchName, pattern))
}

/** By a table of what each prefix can match, so that no pattern takes longer than its length times the name's. */
function matches(name: string, pattern: string): boolean {
  let reached = new Uint8Array(name.length + 1)
  let next = new Uint8Array(name.length + 1)
  reached[0] = 1
  for (const part of pattern.match(/\*\*|[^]/g) ?? []) {
    if (part === '*' || part === '**') reachByRun(name, part === '**', reached, next)
    else if (!reachByCharacter(name, part, reached, next)) return false
    ;[reached, next] = [next, reached]
  }
  return reached[name.length] === 1
}

function reachByRun(name: string, overSlashes: boolean, reached: Uint8Array, next: Uint8Array): void {
  let isRunning = false
  for (let at = 0; at <= name.length; at++) {
    isRunning ||= reached[at] === 1
    next[at] = isRunning ? 1 : 0
    if (!overSlashes && name[at] === '/') isRunning = false
  }
}

/** False when the character is nowhere that was reached: no name that goes on can match. */
function reachByCharacter(name: string, character: string, reached: Uint8Array, next: Uint8Array): boolean {
  let isAnywhere = false
  next[0] = 0
  for (let at = 0; at < name.length; at++) {
    const isHere = reached[at] === 1 && name[at] === character
    next[at + 1] = isHere ? 1 : 0
    isAnywhere ||= isHere
  }
  return isAnywhere
}
