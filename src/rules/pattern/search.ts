import { type CharacterSet, type Instruction, operation, type Program } from './program.ts'

/** What is left of the steps that searches may take. A step is an instruction, or a character of a run. */
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
  const machine = new Machine(program, text, budget)
  const last = program.anchored ? 0 : text.length
  for (let start = 0; start <= last; start++) {
    const end = machine.run(0, start)
    if (budget.steps < 0) return 'over-budget'
    if (end !== -1) return { groups: [text.slice(start, end), ...machine.groups()] }
  }
  return 'none'
}

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
  private readonly instructions: Instruction[]
  private readonly text: string
  private readonly budget: Budget
  private readonly groupCount: number
  private readonly registers: Int32Array
  private stackLength = 0
  private at = 0
  private position = 0

  constructor({ instructions, registers, groups }: Program, text: string, budget: Budget) {
    this.instructions = instructions
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
      const next = this.instructions[this.at++]!
      if (next.operation === operation.match) {
        this.forgetWhatIsLeft(base)
        return this.position
      }
      if (!this.execute(next) && !this.backtrack(base)) return -1
    }
    return -1
  }

  /** @returns whether to go on, rather than to try something else */
  private execute(next: Instruction): boolean {
    switch (next.operation) {
      case operation.one:
        return this.take(next)
      case operation.run:
        return this.beginRun(next)
      case operation.try:
        this.push(entry.resume, next.target, this.position, 0)
        return true
      case operation.jump:
        this.at = next.target
        return true
      case operation.save:
        this.set(next.register, this.position)
        return true
      case operation.start:
        return this.position === 0
      case operation.end:
        return this.position === this.text.length
      case operation.wordBoundary:
        return this.isWord(this.position - 1) === this.isWord(this.position) ? next.negate : !next.negate
      case operation.repeatGroup:
        return this.repeatGroup(next)
      case operation.look:
        return this.look(next)
      case operation.loopBegin:
        this.set(next.register, 0)
        return true
      case operation.loop:
        this.loop(next)
        return true
      case operation.loopEnd:
        this.at = next.target
        // A body that matched nothing is not repeated for its own sake.
        return (
          this.registers[next.register]! <= next.min || this.registers[next.register + 1] !== this.position
        )
      default:
        return true
    }
  }

  private take({ set, backward }: Instruction): boolean {
    const place = backward ? this.position - 1 : this.position
    if (!isIn(set, this.text, place)) return false
    this.position = backward ? place : place + 1
    return true
  }

  private beginRun(run: Instruction): boolean {
    const { min, max, greedy } = run
    const start = this.position
    const wanted = greedy ? max : min
    let taken = 0
    while (taken < wanted && this.take(run)) taken++
    this.budget.steps -= taken
    if (taken < min) return false
    const earliest = run.backward ? start - min : start + min
    if (greedy && taken > min) this.push(entry.shorterRun, this.at, this.position, earliest)
    if (!greedy && max > min) this.push(entry.longerRun, this.at - 1, this.position, max - min)
    return true
  }

  private repeatGroup({ register, otherRegisters, backward }: Instruction): boolean {
    const others = otherRegisters.map((other) => this.groupAt(other))
    const expected = this.groupAt(register) ?? others.find((text) => text !== undefined) ?? ''
    this.budget.steps -= expected.length
    const from = backward ? this.position - expected.length : this.position
    if (from < 0 || !this.text.startsWith(expected, from)) return false
    this.position = backward ? from : from + expected.length
    return true
  }

  private look({ negate, target }: Instruction): boolean {
    const position = this.position
    const base = this.stackLength
    const matched = this.run(this.at, position) !== -1
    if (matched && negate) this.backtrack(base)
    this.at = target
    this.position = position
    return matched !== negate
  }

  private loop(loop: Instruction): void {
    const { min, max, greedy, register, target } = loop
    const count = this.registers[register]!
    if (count < min) return this.enter(loop)
    if (count < max && greedy) {
      this.push(entry.resume, target, this.position, 0)
      return this.enter(loop)
    }
    if (count < max) this.push(entry.enter, this.at - 1, this.position, 0)
    this.at = target
  }

  private enter({ register, groupsFrom, groupsTo }: Instruction): void {
    this.set(register, this.registers[register]! + 1)
    this.set(register + 1, this.position)
    for (let group = groupsFrom; group < groupsTo; group++) this.set(group, -1)
    this.budget.steps -= groupsTo - groupsFrom
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
        this.at++
        this.enter(this.instructions[first]!)
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
    const at = this.at++
    if (!this.take(this.instructions[at]!)) return false
    if (charactersMax > 1) this.push(entry.longerRun, at, this.position, charactersMax - 1)
    return true
  }

  /** A match is final for who looked for it, but what its registers were stays known. */
  private forgetWhatIsLeft(base: number): void {
    let kept = base
    for (let from = base; from < this.stackLength; from += entryLength) {
      if (stackOfAll[from] !== entry.register) continue
      stackOfAll.copyWithin(kept, from, from + entryLength)
      kept += entryLength
    }
    this.stackLength = kept
  }

  private isWord(place: number): boolean {
    return /\w/.test(this.text.charAt(place))
  }
}

function isIn(set: CharacterSet, text: string, place: number): boolean {
  const code = text.charCodeAt(place)
  // Beyond the text it is not a number, for which no comparison holds.
  return code < 128 ? set.ascii[code] === 1 : code >= 128 && set.has(text[place]!)
}
