import { type AST, RegExpParser } from '@eslint-community/regexpp'

import { limits } from '../../model/limits.ts'
import { Shared } from '../shared.ts'
import { type CharacterSet, characterSet, type SetNode } from './character-set.ts'
import { countMax, flag, operation, type Program } from './program.ts'

export class PatternRefused extends Error {}

/** By their texts. */
const programs = new Shared<Program>()

/**
 * Compiles a regular expression in JavaScript's flavour, without flags. The program is about as long as the pattern, and shared
 * by all that have it.
 * @throws {PatternRefused} with the reason, for text that is none or that has what is not supported
 */
export function compilePattern(source: string): Program {
  return programs.get(source, () => {
    refuseDepth(source)
    return new ProgramWriter(parse(source)).write()
  })
}

/** Whoever reads, compiles or searches what is nested calls itself for it. */
function refuseDepth(source: string): void {
  let depth = 0
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const character = source[at]
    if (character === '\\') at++
    else if (inClass) inClass = character !== ']'
    else if (character === '[') inClass = true
    else if (character === ')') depth--
    else if (character === '(' && ++depth > limits.patternDepthMax) {
      throw new PatternRefused(`Its groups are nested more than ${limits.patternDepthMax} deep`)
    }
  }
}

function parse(source: string): AST.Pattern {
  try {
    return new RegExpParser().parsePattern(source)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new PatternRefused(error.message)
  }
}

type Backward = typeof flag.backward | 0

class ProgramWriter {
  readonly #pattern: AST.Pattern
  readonly #code: number[] = []
  readonly #sets = new Map<CharacterSet, number>()
  readonly #texts: string[] = []
  readonly #names: number[][] = []
  /** Places in `names` by the groups that a reference may mean, as it is written. */
  readonly #references = new Map<string | number, number>()
  /** In the order of their numbers. */
  readonly #groups: AST.CapturingGroup[]
  readonly #starts: Map<AST.CapturingGroup, number>
  #registers: number

  constructor(pattern: AST.Pattern) {
    this.#pattern = pattern
    this.#groups = groupsOf(pattern)
    this.#starts = new Map(this.#groups.map((group, index) => [group, 2 * index]))
    this.#registers = 2 * this.#groups.length
  }

  write(): Program {
    this.#alternatives(this.#pattern.alternatives, 0)
    this.#add(operation.match)
    return {
      code: Int32Array.from(this.#code),
      sets: [...this.#sets.keys()],
      texts: this.#texts,
      names: this.#names,
      registers: this.#registers,
      groups: this.#groups.length,
      anchored: this.#pattern.alternatives.every(
        ({ elements: [first] }) => first?.type === 'Assertion' && first.kind === 'start',
      ),
    }
  }

  /** @returns where the first of its operands stands: a target becomes known later */
  #add(kind: number, ...operands: number[]): number {
    const at = this.#code.push(kind)
    this.#code.push(...operands)
    return at
  }

  get #next(): number {
    return this.#code.length
  }

  #goHere(target: number): void {
    this.#code[target] = this.#next
  }

  #alternatives(alternatives: AST.Alternative[], backward: Backward): void {
    const jumps: number[] = []
    for (const [index, { elements }] of alternatives.entries()) {
      const isLast = index === alternatives.length - 1
      const choice = isLast ? undefined : this.#add(operation.try, 0)
      this.#elements(elements, backward)
      if (choice === undefined) continue
      jumps.push(this.#add(operation.jump, 0))
      this.#goHere(choice)
    }
    for (const jump of jumps) this.#goHere(jump)
  }

  /** Characters that follow each other are one text. */
  #elements(elements: AST.Element[], backward: Backward): void {
    const pieces: (string | AST.Element)[] = []
    for (const element of elements) {
      const before = pieces.at(-1)
      if (element.type !== 'Character') pieces.push(element)
      else if (typeof before === 'string')
        pieces[pieces.length - 1] = before + String.fromCharCode(element.value)
      else pieces.push(String.fromCharCode(element.value))
    }
    for (const piece of backward ? pieces.toReversed() : pieces) {
      if (typeof piece === 'string') this.#add(operation.text | backward, this.#texts.push(piece) - 1)
      else this.#element(piece, backward)
    }
  }

  #element(element: AST.Element, backward: Backward): void {
    switch (element.type) {
      case 'Character':
      case 'CharacterSet':
      case 'CharacterClass':
        this.#add(operation.one | backward, this.#set(element))
        break
      case 'Group':
        if (element.modifiers) throw new PatternRefused('Modifiers, as in (?i:…), are not supported')
        this.#alternatives(element.alternatives, backward)
        break
      case 'CapturingGroup': {
        const start = this.#starts.get(element)!
        this.#add(operation.save, backward ? start + 1 : start)
        this.#alternatives(element.alternatives, backward)
        this.#add(operation.save, backward ? start : start + 1)
        break
      }
      case 'Quantifier':
        this.#quantifier(element, backward)
        break
      case 'Assertion':
        this.#assertion(element)
        break
      case 'Backreference':
        this.#add(operation.repeatGroup | backward, this.#reference(element))
        break
      case 'ExpressionCharacterClass':
        throw new PatternRefused('Set operations in character classes are not supported')
    }
  }

  #set(node: SetNode): number {
    const set = characterSet(node)
    const place = this.#sets.get(set) ?? this.#sets.size
    this.#sets.set(set, place)
    return place
  }

  #reference({ ref, resolved }: AST.Backreference): number {
    const known = this.#references.get(ref)
    if (known !== undefined) return known
    const groups = Array.isArray(resolved) ? resolved : [resolved]
    const place = this.#names.push(groups.map((group) => this.#starts.get(group)!)) - 1
    this.#references.set(ref, place)
    return place
  }

  #quantifier({ element, min, max, greedy }: AST.Quantifier, backward: Backward): void {
    const counts = [Math.min(min, countMax), Math.min(max, countMax)]
    const flags = greedy ? flag.greedy : 0
    if (isSet(element)) {
      this.#add(operation.run | flags | backward, this.#set(element), ...counts)
      return
    }
    const register = this.#registers
    this.#registers += 2
    this.#add(operation.loopBegin, register)
    const at = this.#next
    const end = this.#add(operation.loop | flags, 0, register, ...counts, ...this.#groupsIn(element))
    this.#element(element, backward)
    this.#add(operation.loopEnd, at, register, counts[0]!)
    this.#goHere(end)
  }

  /** The registers of the groups in it, which have numbers that follow each other. */
  #groupsIn({ start, end }: AST.Node): [number, number] {
    return [2 * this.#groupsBefore(start), 2 * this.#groupsBefore(end)]
  }

  #groupsBefore(place: number): number {
    let from = 0
    let to = this.#groups.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#groups[middle]!.start < place) from = middle + 1
      else to = middle
    }
    return from
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
        this.#add(operation.wordBoundary | (assertion.negate ? flag.negate : 0))
        break
      case 'lookahead':
      case 'lookbehind': {
        const look = this.#add(operation.look | (assertion.negate ? flag.negate : 0), 0)
        this.#alternatives(assertion.alternatives, assertion.kind === 'lookbehind' ? flag.backward : 0)
        this.#add(operation.match)
        this.#goHere(look)
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

function isSet(element: AST.Element): element is SetNode {
  return ['Character', 'CharacterSet', 'CharacterClass'].includes(element.type)
}
