import { type AST, RegExpParser } from '@eslint-community/regexpp'

import { type CharacterSet, type Instruction, instruction, operation, type Program } from './program.ts'

export class PatternRefused extends Error {}

/**
 * Compiles a regular expression in JavaScript's flavour, without flags. The program is about as long as the pattern.
 * @throws {PatternRefused} with the reason, for text that is none or that has what is not supported
 */
export function compilePattern(source: string): Program {
  return new ProgramWriter(parse(source)).write()
}

function parse(source: string): AST.Pattern {
  try {
    return new RegExpParser().parsePattern(source)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new PatternRefused(error.message)
  }
}

class ProgramWriter {
  readonly #pattern: AST.Pattern
  readonly #instructions: Instruction[] = []
  /** In the order of their numbers. */
  readonly #groups: AST.CapturingGroup[]
  #registers: number

  constructor(pattern: AST.Pattern) {
    this.#pattern = pattern
    this.#groups = groupsOf(pattern)
    this.#registers = 2 * this.#groups.length
  }

  write(): Program {
    this.#alternatives(this.#pattern.alternatives, false)
    this.#add(operation.match)
    return {
      instructions: this.#instructions,
      registers: this.#registers,
      groups: this.#groups.length,
      anchored: this.#pattern.alternatives.every(
        ({ elements: [first] }) => first?.type === 'Assertion' && first.kind === 'start',
      ),
    }
  }

  #add(...[kind, members]: Parameters<typeof instruction>): Instruction {
    const added = instruction(kind, members)
    this.#instructions.push(added)
    return added
  }

  get #next(): number {
    return this.#instructions.length
  }

  #alternatives(alternatives: AST.Alternative[], backward: boolean): void {
    const jumps: Instruction[] = []
    for (const [index, { elements }] of alternatives.entries()) {
      const isLast = index === alternatives.length - 1
      const choice = isLast ? undefined : this.#add(operation.try)
      for (const element of backward ? elements.toReversed() : elements) this.#element(element, backward)
      if (!choice) continue
      jumps.push(this.#add(operation.jump))
      choice.target = this.#next
    }
    for (const jump of jumps) jump.target = this.#next
  }

  #element(element: AST.Element, backward: boolean): void {
    switch (element.type) {
      case 'Character':
      case 'CharacterSet':
      case 'CharacterClass':
        this.#add(operation.one, { set: characterSet(element), backward })
        break
      case 'Group':
        if (element.modifiers) throw new PatternRefused('Modifiers, as in (?i:…), are not supported')
        this.#alternatives(element.alternatives, backward)
        break
      case 'CapturingGroup': {
        const start = this.#startOf(element)
        this.#add(operation.save, { register: backward ? start + 1 : start })
        this.#alternatives(element.alternatives, backward)
        this.#add(operation.save, { register: backward ? start : start + 1 })
        break
      }
      case 'Quantifier':
        this.#quantifier(element, backward)
        break
      case 'Assertion':
        this.#assertion(element)
        break
      case 'Backreference': {
        const groups = Array.isArray(element.resolved) ? element.resolved : [element.resolved]
        const [register, ...otherRegisters] = groups.map((group) => this.#startOf(group))
        this.#add(operation.repeatGroup, { register: register!, otherRegisters, backward })
        break
      }
      case 'ExpressionCharacterClass':
        throw new PatternRefused('Set operations in character classes are not supported')
    }
  }

  /** Register of where a group starts. */
  #startOf(group: AST.CapturingGroup): number {
    return 2 * this.#groups.indexOf(group)
  }

  #quantifier({ element, min, max, greedy }: AST.Quantifier, backward: boolean): void {
    if (isSet(element)) {
      this.#add(operation.run, { set: characterSet(element), min, max, greedy, backward })
      return
    }
    const register = this.#registers
    this.#registers += 2
    this.#add(operation.loopBegin, { register })
    const at = this.#next
    const loop = this.#add(operation.loop, { register, min, max, greedy, ...this.#groupsIn(element) })
    this.#element(element, backward)
    this.#add(operation.loopEnd, { register, min, target: at })
    loop.target = this.#next
  }

  #groupsIn({ start, end }: AST.Node): { groupsFrom: number; groupsTo: number } {
    const inside = this.#groups.filter((group) => group.start >= start && group.end <= end)
    const groupsFrom = inside[0] ? this.#startOf(inside[0]) : 0
    return { groupsFrom, groupsTo: groupsFrom + 2 * inside.length }
  }

  #assertion(assertion: AST.Assertion): void {
    switch (assertion.kind) {
      case 'start':
        this.#add(operation.start)
        break
      case 'end':
        this.#add(operation.end)
        break
      case 'word':
        this.#add(operation.wordBoundary, { negate: assertion.negate })
        break
      case 'lookahead':
      case 'lookbehind': {
        const look = this.#add(operation.look, { negate: assertion.negate })
        this.#alternatives(assertion.alternatives, assertion.kind === 'lookbehind')
        this.#add(operation.match)
        look.target = this.#next
      }
    }
  }
}

function groupsOf(pattern: AST.Pattern): AST.CapturingGroup[] {
  const found: AST.CapturingGroup[] = []
  const waiting: AST.Node[] = [pattern]
  while (waiting.length > 0) {
    const node = waiting.pop()!
    if (node.type === 'CapturingGroup') found.push(node)
    if ('alternatives' in node) waiting.push(...node.alternatives)
    if (node.type === 'Alternative') waiting.push(...node.elements)
    if (node.type === 'Quantifier') waiting.push(node.element)
  }
  return found.toSorted((one, other) => one.start - other.start)
}

type Set = AST.Character | AST.CharacterSet | AST.CharacterClass

function isSet(element: AST.Element): element is Set {
  return ['Character', 'CharacterSet', 'CharacterClass'].includes(element.type)
}

/** What is in it is asked of JSC, one character at a time, which takes no time that a pattern could stretch. */
function characterSet({ raw }: Set): CharacterSet {
  const single = new RegExp(`^(?:${raw})$`)
  const has = (character: string): boolean => single.test(character)
  return { ascii: Uint8Array.from({ length: 128 }, (_, code) => Number(has(String.fromCharCode(code)))), has }
}
