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

const asciiUnits = 128

export function textFinder(texts: readonly string[]): TextFinder {
  const statesMax = texts.reduce((sum, text) => sum + text.length, 1)
  const edges = edgeTable(statesMax)
  const parents = new Int32Array(statesMax)
  const codes = new Uint16Array(statesMax)
  const depths = new Int32Array(statesMax)
  const found = new Int32Array(statesMax)
  const goesOn = new Uint8Array(statesMax)
  let states = 1
  for (const text of texts) {
    let state = 0
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      let child = edges.get(state, code)
      if (child === 0) {
        child = states++
        edges.set(state, code, child)
        parents[child] = state
        codes[child] = code
        depths[child] = at + 1
        goesOn[state] = 1
      }
      state = child
    }
    found[state] = text.length
  }

  /** Where to go on when a state has no edge for a unit: the longest other end that is the beginning of a text. */
  const fallbacks = new Int32Array(states)

  /** Most of a log is ASCII, and the beginning of nothing. */
  const first = Int32Array.from({ length: asciiUnits }, (_, code) => edges.get(0, code))

  function next(from: number, code: number): number {
    let state = from
    while (state !== 0) {
      const child = edges.get(state, code)
      if (child !== 0) return child
      state = fallbacks[state]!
    }
    return code < asciiUnits ? first[code]! : edges.get(0, code)
  }

  /** As `depths`, but a text of which nothing more can come is not waited for. */
  const open = depths.slice(0, states)
  for (const state of byDepth(depths.subarray(0, states))) {
    const parent = parents[state]!
    const fallback = parent === 0 ? 0 : next(fallbacks[parent]!, codes[state]!)
    fallbacks[state] = fallback
    if (found[state] === 0) found[state] = found[fallback]!
    if (goesOn[state] === 0) open[state] = open[fallback]!
  }
  return { next, depth: (state) => open[state]!, found: (state) => found[state]! }
}

/** The states but for the first, those of little depth first. */
function byDepth(depths: Int32Array): Int32Array {
  const starts: number[] = []
  for (const depth of depths) starts[depth] = (starts[depth] ?? 0) + 1
  let sum = 0
  for (const [depth, count] of starts.entries()) {
    starts[depth] = sum
    sum += count
  }
  const sorted = new Int32Array(depths.length)
  for (const [state, depth] of depths.entries()) sorted[starts[depth]!++] = state
  return sorted.subarray(1)
}

/** Which state follows a state and a unit, 0 for none: a hash table in flat arrays, which is asked for each unit of a log. */
function edgeTable(edgesMax: number) {
  const bits = Math.max(4, Math.ceil(Math.log2(edgesMax)) + 1)
  const mask = 2 ** bits - 1
  const states = new Int32Array(2 ** bits)
  const codes = new Uint16Array(2 ** bits)
  const children = new Int32Array(2 ** bits)

  /** Where the edge is, or has its place. */
  function place(state: number, code: number): number {
    let at = Math.imul(Math.imul(state, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b), 0xc2b2ae35) >>> (32 - bits)
    while (children[at] !== 0 && (states[at] !== state || codes[at] !== code)) at = (at + 1) & mask
    return at
  }

  return {
    get: (state: number, code: number): number => children[place(state, code)]!,
    set(state: number, code: number, child: number): void {
      const at = place(state, code)
      states[at] = state
      codes[at] = code
      children[at] = child
    },
  }
}
