/**
 * Whether the whole of a text matches an IAM pattern: `*` is any run of characters, `/` and `:` too, `?` any one.
 * Only the last `*` is ever tried again, so that no pattern takes longer than its length times the text's.
 * @param work how many characters it may look at, counted down; below zero it was given up as if it did not match
 */
export function matchesWildcards(text: string, pattern: string, work = { left: Infinity }): boolean {
  let at = 0
  let patternAt = 0
  let lastStar = -1
  let lastStarEnd = 0
  while (at < text.length) {
    if (--work.left < 0) return false
    const expected = pattern[patternAt]
    if (expected === '*') {
      lastStar = patternAt++
      lastStarEnd = at
    } else if (expected === '?' || expected === text[at]) {
      patternAt++
      at++
    } else if (lastStar >= 0) {
      patternAt = lastStar + 1
      at = ++lastStarEnd
    } else {
      return false
    }
  }
  while (pattern[patternAt] === '*') patternAt++
  return patternAt === pattern.length
}
