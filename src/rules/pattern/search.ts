import { type CharacterSet, hasOther } from './character-set.ts'
import { flag, loopLength, operation, operationBits, type Program } from './program.ts'

/**
 * What is left of the steps that searches may take. A step is an instruction, or a character of a run; what takes a part of that
 * time, as to compare a text, counts as that part.
 */
export interface Budget {
  steps: number
}

/** `over-budget`: it was given up, and nothing is known. */
export type SearchResult = { groups: (string | undefined)[] } | 'none' | 'over-budget'

/**
 * Searches for the first place at which the pattern matches, as `RegExp.exec` does.
 * @param budget its steps are counted down
 * @returns the texts of the whole match and of each group
 */
export function search(program: Program, text: string, budget: Budget): SearchResult {
  // Its registers and groups are made and filled for each search.
  budget.steps -= searchSteps + (program.registers >> 2) + program.groups
  if (budget.steps < 0) return 'over-budget'
  const machine = new Machine(program, text, budget)
  const last = program.anchored ? 0 : text.length
  for (let start = 0; start <= last; start++) {
    const end = machine.run(0, start)
    if (budget.steps < 0) return 'over-budget'
    if (end !== -1) return { groups: [text.slice(start, end), ...machine.groups()] }
  }
  return 'none'
}

/** Of a search that fails at once. */
const searchSteps = 3
/** Characters of a text that are compared in the time of a step, and entries of the stack that are looked at. */
const comparedInStep = 32
const entriesInStep = 4

/** What is on the stack: what is left to try, and what is to be restored before that. Each entry is this and three numbers. */
const entry = {
  /** Instruction and position. */
  resume: 0,
  /** Register and value. */
  register: 1,
  /** Instruction behind a greedy run, where the run ends, where it ends at the earliest. */
  shorterRun: 2,
  /** Instruction of a lazy run, where it ends, and how many more characters it may take. */
  longerRun: 3,
  /** Instruction of a loop, and the position at which its body is entered once more. */
  enter: 4,
} as const
const entryLength = 4

/** Searches do not overlap: one stack serves them all. */
let stackOfAll = new Int32Array(1024)

/** Private by its type alone: JSC takes three times as long for `#members`. */
class Machine {
  private readonly code: Int32Array
  private readonly sets: CharacterSet[]
  private readonly texts: string[]
  private readonly names: number[][]
  private readonly text: string
  private readonly budget: Budget
  private readonly groupCount: number
  private readonly registers: Int32Array
  private stackLength = 0
  private at = 0
  private position = 0

  constructor({ code, sets, texts, names, registers, groups }: Program, text: string, budget: Budget) {
    this.code = code
    this.sets = sets
    this.texts = texts
    this.names = names
    this.text = text
    this.budget = budget
    this.groupCount = groups
    this.registers = new Int32Array(registers).fill(-1)
  }

  groups(): (string | undefined)[] {
    return Array.from({ length: this.groupCount }, (_, index) => this.groupAt(2 * index))
  }

  private groupAt(register: number): string | undefined {
    const [start, end] = [this.registers[register]!, this.registers[register + 1]!]
    return start === -1 || end === -1 ? undefined : this.text.slice(start, end)
  }

  /**
   * Runs from an instruction up to a `match`. Where there is none, registers and stack are as they were; else the stack says
   * how the registers are restored.
   * @returns where the match ends; -1 for none, or when the budget is used up
   */
  run(from: number, start: number): number {
    const base = this.stackLength
    this.at = from
    this.position = start
    while (this.budget.steps-- > 0) {
      const next = this.code[this.at]!
      if (next === operation.match) {
        this.forgetWhatIsLeft(base)
        return this.position
      }
      if (!this.execute(next) && !this.backtrack(base)) return -1
    }
    return -1
  }

  /** @returns whether to go on, rather than to try something else */
  private execute(next: number): boolean {
    const at = this.at
    const first = this.code[at + 1]!
    switch (next & operationBits) {
      case operation.one:
        this.at = at + 2
        return this.take(this.sets[first]!, next & flag.backward)
      case operation.text:
        this.at = at + 2
        return this.takeText(this.texts[first]!, next & flag.backward)
      case operation.run:
        return this.beginRun(at, next)
      case operation.try:
        this.at = at + 2
        this.push(entry.resume, first, this.position, 0)
        return true
      case operation.jump:
        this.at = first
        return true
      case operation.save:
        this.at = at + 2
        this.set(first, this.position)
        return true
      case operation.start:
        this.at = at + 1
        return this.position === 0
      case operation.end:
        this.at = at + 1
        return this.position === this.text.length
      case operation.wordBoundary: {
        this.at = at + 1
        const isSame = this.isWord(this.position - 1) === this.isWord(this.position)
        return isSame === ((next & flag.negate) !== 0)
      }
      case operation.repeatGroup:
        this.at = at + 2
        return this.repeatGroup(this.names[first]!, next & flag.backward)
      case operation.look:
        this.at = at + 2
        return this.look((next & flag.negate) !== 0, first)
      case operation.loopBegin:
        this.at = at + 2
        this.set(first, 0)
        return true
      case operation.loop:
        this.loop(at, (next & flag.greedy) !== 0)
        return true
      default:
        return this.endLoop(at)
    }
  }

  private take(set: CharacterSet, backward: number): boolean {
    const place = backward ? this.position - 1 : this.position
    if (!isIn(set, this.text, place)) return false
    this.position = backward ? place : place + 1
    return true
  }

  private takeText(expected: string, backward: number): boolean {
    const { length } = expected
    const from = backward ? this.position - length : this.position
    // Most texts differ in their first character.
    if (this.text.charCodeAt(from) !== expected.charCodeAt(0)) return false
    if (length > 1) {
      this.budget.steps -= (length / comparedInStep) | 0
      if (!this.text.startsWith(expected, from)) return false
    }
    this.position = backward ? from : from + length
    return true
  }

  private beginRun(at: number, run: number): boolean {
    const set = this.sets[this.code[at + 1]!]!
    const min = this.code[at + 2]!
    const max = this.code[at + 3]!
    this.at = at + 4
    const greedy = (run & flag.greedy) !== 0
    const backward = run & flag.backward
    const start = this.position
    const wanted = greedy ? max : min
    let taken = 0
    while (taken < wanted && this.take(set, backward)) taken++
    this.budget.steps -= taken
    if (taken < min) return false
    const earliest = backward ? start - min : start + min
    if (greedy && taken > min) this.push(entry.shorterRun, this.at, this.position, earliest)
    if (!greedy && max > min) this.push(entry.longerRun, at, this.position, max - min)
    return true
  }

  private repeatGroup(registers: number[], backward: number): boolean {
    let expected = ''
    for (const register of registers) {
      this.budget.steps -= 1
      const matched = this.groupAt(register)
      if (matched === undefined) continue
      expected = matched
      break
    }
    this.budget.steps -= expected.length
    const from = backward ? this.position - expected.length : this.position
    if (from < 0 || !this.text.startsWith(expected, from)) return false
    this.position = backward ? from : from + expected.length
    return true
  }

  private look(negate: boolean, target: number): boolean {
    const position = this.position
    const base = this.stackLength
    const matched = this.run(this.at, position) !== -1
    if (matched && negate) this.backtrack(base)
    this.at = target
    this.position = position
    return matched !== negate
  }

  private loop(at: number, greedy: boolean): void {
    const target = this.code[at + 1]!
    const count = this.registers[this.code[at + 2]!]!
    if (count < this.code[at + 3]!) return this.enter(at)
    if (count < this.code[at + 4]!) {
      if (greedy) {
        this.push(entry.resume, target, this.position, 0)
        return this.enter(at)
      }
      this.push(entry.enter, at, this.position, 0)
    }
    this.at = target
  }

  /** @param at where the loop stands */
  private enter(at: number): void {
    const register = this.code[at + 2]!
    const groupsFrom = this.code[at + 5]!
    const groupsTo = this.code[at + 6]!
    this.at = at + loopLength
    this.set(register, this.registers[register]! + 1)
    this.set(register + 1, this.position)
    for (let group = groupsFrom; group < groupsTo; group++) this.set(group, -1)
    this.budget.steps -= groupsTo - groupsFrom
  }

  private endLoop(at: number): boolean {
    const register = this.code[at + 2]!
    this.at = this.code[at + 1]!
    // A body that matched nothing is not repeated for its own sake.
    return this.registers[register]! <= this.code[at + 3]! || this.registers[register + 1] !== this.position
  }

  private set(register: number, value: number): void {
    this.push(entry.register, register, this.registers[register]!, 0)
    this.registers[register] = value
  }

  private push(kind: number, first: number, second: number, third: number): void {
    const length = this.stackLength
    if (length === stackOfAll.length) {
      const grown = new Int32Array(2 * length)
      grown.set(stackOfAll)
      stackOfAll = grown
    }
    const stack = stackOfAll
    stack[length] = kind
    stack[length + 1] = first
    stack[length + 2] = second
    stack[length + 3] = third
    this.stackLength = length + entryLength
  }

  /** Goes back to what is left to try above the base; false where that is nothing. */
  private backtrack(base: number): boolean {
    while (this.stackLength > base) {
      const from = (this.stackLength -= entryLength)
      const stack = stackOfAll
      const kind = stack[from]
      const first = stack[from + 1]!
      const second = stack[from + 2]!
      if (kind === entry.register) {
        this.registers[first] = second
        continue
      }
      this.at = first
      this.position = second
      if (kind === entry.resume) return true
      if (kind === entry.shorterRun) return this.shortenRun(stack[from + 3]!)
      if (kind === entry.enter) {
        this.enter(first)
        return true
      }
      if (this.lengthenRun(stack[from + 3]!)) return true
    }
    return false
  }

  private shortenRun(earliest: number): boolean {
    this.position += earliest < this.position ? -1 : 1
    if (this.position !== earliest) this.push(entry.shorterRun, this.at, this.position, earliest)
    return true
  }

  private lengthenRun(charactersMax: number): boolean {
    const at = this.at
    this.at = at + 4
    if (!this.take(this.sets[this.code[at + 1]!]!, this.code[at]! & flag.backward)) return false
    if (charactersMax > 1) this.push(entry.longerRun, at, this.position, charactersMax - 1)
    return true
  }

  /** A match is final for who looked for it, but what its registers were stays known. */
  private forgetWhatIsLeft(base: number): void {
    const stack = stackOfAll
    let kept = base
    for (let from = base; from < this.stackLength; from += entryLength) {
      if (stack[from] !== entry.register) continue
      stack[kept] = entry.register
      stack[kept + 1] = stack[from + 1]!
      stack[kept + 2] = stack[from + 2]!
      kept += entryLength
    }
    // Look-aheads in each other look at the same entries again.
    this.budget.steps -= ((this.stackLength - base) / (entryLength * entriesInStep)) | 0
    this.stackLength = kept
  }

  private isWord(place: number): boolean {
    return /\w/.test(this.text.charAt(place))
  }
}

function isIn(set: CharacterSet, text: string, place: number): boolean {
  const code = text.charCodeAt(place)
  // Beyond the text it is not a number, for which no comparison holds.
  if (code < 128) return ((set.ascii[code >> 5]! >> (code & 31)) & 1) === 1
  return code >= 128 && hasOther(set, code)
}
