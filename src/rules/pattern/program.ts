import type { CharacterSet } from './character-set.ts'

/**
 * What a pattern is compiled to: instructions for the machine of `search.ts`, which counts its steps. JSC's own regular
 * expressions cannot be interrupted, and one of a site must not hold the sites of others.
 *
 * The instructions stand behind each other as numbers, four bytes each: thousands of patterns are kept in memory. Each begins
 * with its operation and flags; what follows says {@link operation}.
 */
export interface Program {
  code: Int32Array
  /** Of which instructions name the places, as of the two below. */
  sets: CharacterSet[]
  texts: string[]
  /** The first registers of the groups of one name. */
  names: number[][]
  /** How many there are. The first two of each group are where it starts and ends. */
  registers: number
  groups: number
  /** Whether a match can begin at the first character alone. */
  anchored: boolean
}

export const operation = {
  match: 0,
  /** set: consumes one code unit that is in it. */
  one: 1,
  /** text: consumes it. */
  text: 2,
  /** set, min, max: consumes so many code units that are all in it. */
  run: 3,
  /** target: goes on at the next instruction and, where that fails, there. */
  try: 4,
  /** target. */
  jump: 5,
  /** register: keeps the position in it. */
  save: 6,
  start: 7,
  end: 8,
  wordBoundary: 9,
  /** names: consumes what the first group of that name has matched that has matched anything. */
  repeatGroup: 10,
  /** target: looks whether the instructions behind it lead to a `match`, and goes on there from the same position. */
  look: 11,
  /** register: begins to count in it how often a body is entered. */
  loopBegin: 12,
  /**
   * target, register, min, max, groupsFrom, groupsTo: enters the body behind it, from `min` to `max` times, or goes on at
   * `target`. The register after the counter keeps where the body was entered; the registers from `groupsFrom` up to `groupsTo`,
   * of the groups in it, are forgotten then.
   */
  loop: 13,
  /** target, register, min: the end of a body, back to its loop. */
  loopEnd: 14,
} as const

export const loopLength = 7

/** Stand with the operation in one number, which is that of the lowest bits. */
export const operationBits = 0xff
export const flag = {
  greedy: 0x100,
  negate: 0x200,
  /** Consumes what stands before the position, as look-behinds do. */
  backward: 0x400,
} as const

export const countMax = 0x3fff_ffff
