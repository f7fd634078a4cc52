/**
 * Finds texts in a stream, all at once, in time that depends on neither their number nor their length: the automaton of
 * Aho and Corasick. States are numbers, 0 is the one of which nothing is found yet.
 */
export interface TextFinder {
  /** The state after one more UTF-16 unit. */
  next(state: number, code: number): number
  /** How many units at the end of what was read are the beginning of a text that may still come: the longest such end. */
  depth(state: number): number
  /** Length of the longest text that ends here; 0 where none does. */
  found(state: number): number
}

/** An edge is kept under the state that it leaves and its unit: one number, which stays exact below 2^53. */
const unitsMax = 65_536
const asciiUnits = 128

export function textFinder(texts: readonly string[]): TextFinder {
  const parents = [0]
  const codes = [0]
  const depths = [0]
  const found = [0]
  const goesOn = [true]
  const edges = new Map<number, number>()
  for (const text of texts) {
    let state = 0
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      const edge = state * unitsMax + code
      let child = edges.get(edge)
      if (child === undefined) {
        child = parents.push(state) - 1
        codes.push(code)
        depths.push(at + 1)
        found.push(0)
        goesOn.push(false)
        goesOn[state] = true
        edges.set(edge, child)
      }
      state = child
    }
    found[state] = text.length
  }

  /** Where to go on when a state has no edge for a unit: the longest other end that is the beginning of a text. */
  const fallbacks = new Int32Array(parents.length)
  const first = new Int32Array(asciiUnits)
  for (let code = 0; code < asciiUnits; code++) first[code] = edges.get(code) ?? 0

  function next(from: number, code: number): number {
    let state = from
    while (state !== 0) {
      const child = edges.get(state * unitsMax + code)
      if (child !== undefined) return child
      state = fallbacks[state]!
    }
    return code < asciiUnits ? first[code]! : (edges.get(code) ?? 0)
  }

  const open = Int32Array.from(depths)
  const byDepth = [...parents.keys()].slice(1).sort((one, other) => depths[one]! - depths[other]!)
  for (const state of byDepth) {
    const parent = parents[state]!
    const fallback = parent === 0 ? 0 : next(fallbacks[parent]!, codes[state]!)
    fallbacks[state] = fallback
    if (found[state] === 0) found[state] = found[fallback]!
    if (!goesOn[state]) open[state] = open[fallback]!
  }
  const foundAt = Int32Array.from(found)
  return { next, depth: (state) => open[state]!, found: (state) => foundAt[state]! }
}
