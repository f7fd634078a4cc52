/**
 * Translates a pattern of AWS's model, written for Java's `Pattern`, into a whole-string match in JavaScript.
 * The patterns are copied from the model unanchored and mean the whole value (contract/amplify-api.json, patternNote).
 * Both languages agree on `\d`, `\p{…}`, look-ahead and classes; they differ in how `(?s)` is written and in which line
 * ends a dot refuses.
 */
export function javaPattern(pattern: string): RegExp {
  const dotMatchesAll = pattern.startsWith('(?s)')
  const source = dotMatchesAll ? pattern.slice('(?s)'.length) : narrowDots(pattern)
  return new RegExp(`^(?:${source})$`, dotMatchesAll ? 'su' : 'u')
}

/** Java's dot refuses U+0085 as well; JavaScript's does not. Dots in classes and escaped ones stay. */
function narrowDots(pattern: string): string {
  return pattern.replace(/\\.|\[(?:\\.|[^\]\\])*\]|\./g, (token) =>
    token === '.' ? '[^\\n\\r\\u0085\\u2028\\u2029]' : token,
  )
}
