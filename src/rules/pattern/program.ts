/**
 * What a pattern is compiled to: instructions for the machine of `search.ts`, which counts its steps. JSC's own regular
 * expressions cannot be interrupted, and one of a site must not hold the sites of others.
 */
export interface Program {
  instructions: Instruction[]
  /** The first two of each group are where it starts and ends. */
  registers: number
  groups: number
  /** Whether a match can begin at the first character alone. */
  anchored: boolean
}

export const operation = {
  match: 0,
  /** Consumes one code unit that is in `set`. */
  one: 1,
  /** Consumes from `min` to `max` code units that are all in `set`. */
  run: 2,
  /** Goes on at the next instruction and, where that fails, at `target`. */
  try: 3,
  jump: 4,
  /** Keeps the position in `register`. */
  save: 5,
  start: 6,
  end: 7,
  wordBoundary: 8,
  /** Consumes what the group whose first register is in `register` has matched, or one of the others of its name. */
  repeatGroup: 9,
  /** Looks whether the instructions behind it lead to a `match`, and goes on at `target` from the same position. */
  look: 10,
  /** Begins to count in `register` how often a body is entered. */
  loopBegin: 11,
  /**
   * Enters the body behind it, `min` to `max` times, or goes on at `target`. The register after the counter keeps where the body
   * was entered; the registers from `groupsFrom` up to `groupsTo`, of the groups in it, are forgotten then.
   */
  loop: 12,
  /** The end of a body, back to the loop at `target`. */
  loopEnd: 13,
} as const

export type Operation = (typeof operation)[keyof typeof operation]

/** All have all members, whether they mean something or not: the machine is several times as fast for that. */
export interface Instruction {
  operation: Operation
  set: CharacterSet
  min: number
  max: number
  greedy: boolean
  negate: boolean
  /** Consumes what stands before the position, as look-behinds do. */
  backward: boolean
  target: number
  register: number
  /** Of further groups of one name. */
  otherRegisters: number[]
  groupsFrom: number
  groupsTo: number
}

export interface CharacterSet {
  /** Whether each of the first 128 code units is in it: 1 or 0. */
  ascii: Uint8Array
  /** For the others. */
  has(character: string): boolean
}

const nothing: CharacterSet = { ascii: new Uint8Array(128), has: () => false }

export function instruction(
  kind: Operation,
  {
    set = nothing,
    min = 0,
    max = 0,
    greedy = false,
    negate = false,
    backward = false,
    target = 0,
    register = 0,
    otherRegisters = [],
    groupsFrom = 0,
    groupsTo = 0,
  }: Partial<Omit<Instruction, 'operation'>> = {},
): Instruction {
  return {
    operation: kind,
    set,
    min,
    max: Math.min(max, 0x3fff_ffff),
    greedy,
    negate,
    backward,
    target,
    register,
    otherRegisters,
    groupsFrom,
    groupsTo,
  }
}
