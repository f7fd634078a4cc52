import type { AST } from '@eslint-community/regexpp'

import { Remembered } from '../../model/remembered.ts'

/** Which code units a `[…]`, an escape or a character stands for. */
export interface CharacterSet {
  /** Whether each of the first 128 is in it: a bit in one of four numbers. */
  ascii: Int32Array
  /** The others: where runs begin and where they have ended, in turn and in order. */
  others: readonly number[]
}

export type SetNode = AST.Character | AST.CharacterSet | AST.CharacterClass

/** From the first to the last. */
type Range = readonly [number, number]

const codeMax = 0xffff
const digits: Range[] = [[0x30, 0x39]]
const word: Range[] = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]
const lineEnds: Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]
/** ECMA-262 §22.2.2.9: white space and the ends of lines. */
const space: Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]

/** By their texts, the last ones: most patterns have the same few. */
const known = new Remembered<CharacterSet>({ entriesMax: 1000, charactersMax: 100 })

/** Makes each set once, without a regular expression: one of JSC's for each character of a site's rules takes seconds. */
export function characterSet(node: SetNode): CharacterSet {
  const { raw } = node
  return known.get(raw) ?? known.set(raw, setOf(rangesOf(node)))
}

/** Looks at few of the runs, whatever their number. */
export function hasOther({ others }: CharacterSet, code: number): boolean {
  let from = 0
  let to = others.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (others[middle]! <= code) from = middle + 1
    else to = middle
  }
  return from % 2 === 1
}

function rangesOf(node: AST.CharacterClassElement | SetNode): Range[] {
  switch (node.type) {
    case 'Character':
      return [[node.value, node.value]]
    case 'CharacterClassRange':
      return [[node.min.value, node.max.value]]
    case 'CharacterClass': {
      const ranges = joined(node.elements.flatMap((element) => rangesOf(element as typeof node)))
      return node.negate ? allBut(ranges) : ranges
    }
    case 'CharacterSet':
      switch (node.kind) {
        case 'any':
          return allBut(lineEnds)
        case 'digit':
          return node.negate ? allBut(digits) : digits
        case 'word':
          return node.negate ? allBut(word) : word
        case 'space':
          return node.negate ? allBut(space) : space
        default:
      }
  }
  // The others are there with the flags `u` and `v` alone.
  throw new TypeError(`A pattern without flags has no ${node.type}`)
}

function joined(ranges: Range[]): Range[] {
  const apart: [number, number][] = []
  for (const [first, last] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const before = apart.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else apart.push([first, last])
  }
  return apart
}

/** @param ranges in order, and apart */
function allBut(ranges: Range[]): Range[] {
  const gaps: Range[] = []
  let from = 0
  for (const [first, last] of ranges) {
    if (first > from) gaps.push([from, first - 1])
    from = last + 1
  }
  if (from <= codeMax) gaps.push([from, codeMax])
  return gaps
}

function setOf(ranges: Range[]): CharacterSet {
  const ascii = new Int32Array(4)
  const others: number[] = []
  for (const [first, last] of ranges) {
    for (let code = first; code <= last && code < 128; code++) ascii[code >> 5]! |= 1 << (code & 31)
    if (last >= 128) others.push(Math.max(first, 128), last + 1)
  }
  return { ascii, others }
}
