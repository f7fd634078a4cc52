import { expect, test } from 'bun:test'

import contract from '../../test/fixtures/contract/amplify-api.json' with { type: 'json' }
import { javaPattern } from './java-pattern.ts'

test.each([
  ['(?s).+', 'a\nb', true],
  ['(?s).+', '', false],
  ['(?s).*', '\u{1f600}\u0085\u2028', true],
  ['.{3,7}', '404-200', true],
  ['.{3,7}', '\u{1f600}\u{1f600}\u{1f600}', true],
  ['.{3,7}', 'a\nb', false],
  ['.{3,7}', 'a\u0085b', false],
  ['d[a-z0-9]+', 'd1', true],
  ['d[a-z0-9]+', 'xd1', false],
  ['d[a-z0-9]+', 'd1\n', false],
  ['\\d*', '', true],
  ['\\d*', '٣', false],
  ['^(?!aws:)[a-zA-Z+-=._:/]+$', 'a1,;<', true],
  ['^(?!aws:)[a-zA-Z+-=._:/]+$', 'aws:a', false],
  ['^(?!aws:)[a-zA-Z+-=._:/]+$', 'a@b', false],
  ['^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$', 'Zürich 日本 ٣_.:/=+-@', true],
  ['^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$', 'a*b', false],
  ['^$|^arn:aws:iam::\\d{12}:role.+', '', true],
  ['^$|^arn:aws:iam::\\d{12}:role.+', 'arn:aws:iam::123456789012:role/x', true],
  ['^$|^arn:aws:iam::\\d{12}:role.+', 'x', false],
] as const)('%s on %j: %p', (pattern, value, matches) => {
  expect(javaPattern(pattern).test(value)).toBe(matches)
})

test('every pattern of the model can be translated', () => {
  const patterns = Object.values(contract.shapes).flatMap((shape) =>
    'pattern' in shape ? [shape.pattern] : [],
  )
  expect(patterns.length).toBeGreaterThan(40)
  for (const pattern of patterns) expect(javaPattern(pattern)).toBeInstanceOf(RegExp)
})
