import { expect, test } from 'bun:test'

import { compilePattern } from './compile.ts'
import { search } from './search.ts'

test.each([
  'a',
  'é',
  '.',
  '[^]',
  '[]',
  '[^a]',
  '[a-cx]',
  '[c-ea-d]',
  '[é-ü€]',
  '[^é-ü€]',
  '[-a]',
  String.raw`[\]\\^-]`,
  String.raw`\d`,
  String.raw`\D`,
  String.raw`\w`,
  String.raw`\W`,
  String.raw`\s`,
  String.raw`\S`,
  String.raw`[\s\d]`,
  String.raw`[^\s\d]`,
  String.raw`[\W_]`,
  String.raw`[^\W]`,
  String.raw`[\b\n\x41\u{62}]`,
  String.raw`\cJ`,
  String.raw`\u20ac`,
  '[😀]',
])('%s stands for the code units for which it stands in RegExp', (source) => {
  const program = compilePattern(`^${source}$`)
  const native = new RegExp(`^${source}$`)
  const differing = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).filter(
    (text) => (search(program, text, { steps: 1000 }) === 'none') === native.test(text),
  )
  expect(differing).toEqual([])
})

const instructions = (source: string) => compilePattern(source).code.length

test('a program is short, whatever its pattern is made of', () => {
  expect(instructions('a'.repeat(2000))).toBe(3)
  expect(instructions('|'.repeat(2000))).toBeLessThanOrEqual(4 * 2000 + 1)
  expect(instructions('()'.repeat(1000))).toBeLessThanOrEqual(4 * 1000 + 1)
  expect(instructions('[ab]*'.repeat(400))).toBeLessThanOrEqual(4 * 400 + 1)
  expect(compilePattern('[ab]*'.repeat(400)).sets).toHaveLength(1)
})

test('patterns with the same text share their program, and patterns with the same characters their sets', () => {
  expect(compilePattern('x[a-f]y')).toBe(compilePattern('x[a-f]y'))
  expect(compilePattern('z[a-f]').sets[0]).toBe(compilePattern('x[a-f]y').sets[0] as never)
})
