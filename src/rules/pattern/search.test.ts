import { describe, expect, test } from 'bun:test'

import { Random } from '../../../test/support/fuzz/random.ts'
import { compilePattern, PatternRefused } from './compile.ts'
import { search } from './search.ts'

function find(source: string, text: string): (string | undefined)[] | null | 'over-budget' {
  const result = search(compilePattern(source), text, { steps: 100_000 })
  if (result === 'over-budget') return result
  return result === 'none' ? null : result.groups
}

const atoms = [
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  String.raw`\w`,
  String.raw`\b`,
  '^',
  '$',
  '(a)',
  '(b|a)',
  '(?:ab)',
  '(?=a)',
  '(?!b)',
  '(?<=a)',
  '(?<!b)',
  String.raw`\1`,
  'aba',
  String.raw`[^\d\s]`,
  String.raw`\k<n>`,
  '(a*)',
  '(?:a|)',
  '(b)?',
  '(?<n>a)',
  'é',
]
const openings = ['(', '(?:', '(?=', '(?!', '(?<=', '(?<!']
const quantifiers = ['', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,2}?', '{2,}']

function madeUp(random: Random, depth: number): string {
  let source = ''
  for (let count = random.below(4); count >= 0; count--) {
    const isGroup = depth > 0 && random.below(3) === 0
    const atom = isGroup ? `${random.pick(openings)}${madeUp(random, depth - 1)})` : random.pick(atoms)
    source += atom + random.pick(quantifiers)
  }
  return random.below(5) === 0 ? `${source}|${random.pick(atoms)}` : source
}

test('finds what RegExp finds, in thousands of made-up patterns and texts', () => {
  let compared = 0
  for (let number = 0; number < 20_000; number++) {
    const random = new Random(20_261_130, number)
    const source = madeUp(random, 2)
    let native
    try {
      native = new RegExp(source)
    } catch {
      expect(() => compilePattern(source), source).toThrow(PatternRefused)
      continue
    }
    const text = Array.from({ length: random.below(9) }, () => random.pick(['a', 'b', '/', 'é'])).join('')
    const found = find(source, text)
    if (found === 'over-budget') continue
    const match = native.exec(text)
    expect({ source, text, found }).toEqual({ source, text, found: match && [...match] })
    compared++
  }
  expect(compared).toBeGreaterThan(5000)
})

describe('a pattern that would take for ever', () => {
  test.each([
    ['(a+)+$', `${'a'.repeat(60)}b`],
    ['(.*)*x', 'a'.repeat(4000)],
    ['.*.*.*=x', 'a'.repeat(4000)],
    ['(?:(?:a|a)|b)*c', 'a'.repeat(4000)],
    [String.raw`(?=(a+))\1*b`, 'a'.repeat(4000)],
    ['(?:a?){50}a{50}b', 'a'.repeat(60)],
    ['((((((a*)*)*)*)*)*)*b', 'a'.repeat(40)],
    [String.raw`(a*)\1{2000}b`, 'a'.repeat(4000)],
    ['(?<=x(a+)+)c', `${'a'.repeat(60)}c`],
    [`${'(?='.repeat(90)}(a)*${')'.repeat(90)}z`, 'a'.repeat(4000)],
    [
      String.raw`(?:${Array.from({ length: 200 }, () => '(?<a>y)').join('|')}|)(?:${String.raw`\k<a>`.repeat(30)}a)*z`,
      'a'.repeat(4000),
    ],
    [`(?:${'()'.repeat(1000)}a)*z`, 'a'.repeat(4000)],
  ])('%s is given up after its steps', (source, text) => {
    const budget = { steps: 20_000 }
    expect(search(compilePattern(source), text, budget)).toBe('over-budget')
    // What one instruction takes beyond its own step is bounded by the text.
    expect(budget.steps).toBeGreaterThan(-10_000)
  })
})

const steps = (source: string, text: string): number => {
  const budget = { steps: 1_000_000 }
  search(compilePattern(source), text, budget)
  return 1_000_000 - budget.steps
}

const nested = (depth: number) => `^${'(?='.repeat(depth)}(a)*${')'.repeat(depth)}`

const named = (count: number) =>
  String.raw`^(?:${Array.from({ length: count }, () => '(?<a>y)').join('|')}|)\k<a>\k<a>`

test('what takes several steps at once is counted as that', () => {
  const text = 'a'.repeat(1000)
  // Each level looks at the thousand matches of the group again.
  expect(steps(nested(80), text)).toBeGreaterThan(steps(nested(1), text) + 79 * 300)
  expect(steps(named(200), text)).toBeGreaterThan(steps(named(1), text) + 2 * 199)
  expect(steps(`^${'a'.repeat(1000)}`, text)).toBeGreaterThan(20)
})

test.each([`${'('.repeat(101)}${')'.repeat(101)}`, `${'(?='.repeat(480)}a${')'.repeat(480)}`])(
  'what is nested too deep is refused',
  (source) => {
    expect(() => compilePattern(source)).toThrow('nested more than 100 deep')
    expect(() => compilePattern(source.replaceAll('(', String.raw`[\](]`).replaceAll(')', ''))).not.toThrow()
  },
)

test.each(['(', 'a**', '[b-a]', '(?<n>a)(?<n>b)', '(?i:a)'])('%s is refused with the reason', (source) => {
  expect(() => compilePattern(source)).toThrow(PatternRefused)
})
