/**
 * Whether a branch name matches one of the patterns that clients give: `*` is any run of characters but `/`, `**` any run
 * (contract/hosting-behaviour.md §4.2). Nothing else in a pattern is special.
 */
export function matchesPattern(branchName: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(branchName, pattern))
}

/** By a table of what each prefix can match, so that no pattern takes longer than its length times the name's. */
function matches(name: string, pattern: string): boolean {
  const parts = pattern.match(/\*\*|[^]/g) ?? []
  let reached = new Set([0])
  for (const part of parts) {
    const next = new Set<number>()
    for (const from of reached) {
      if (part === '*' || part === '**') {
        for (let to = from; to <= name.length && !next.has(to); to++) {
          next.add(to)
          if (part === '*' && name[to] === '/') break
        }
      } else if (name[from] === part) next.add(from + 1)
    }
    reached = next
  }
  return reached.has(name.length)
}
