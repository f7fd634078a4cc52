import type { Random } from './random.ts'

/** Values that programs stumble over. */

/** Nine lists, each of nine of the one before: small until somebody spells it out. */
const aliasBomb = Array.from({ length: 9 }, (_list, at) => {
  const item = at === 0 ? 'x' : `*l${at - 1}`
  return `l${at}: &l${at} [${Array(9).fill(item).join(', ')}]`
}).join('\n')

const texts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\nX-Injected: 1',
  '\uFEFF',
  '\uD800',
  'a\uDFFFb',
  '\u202E\u0000\uFFFF',
  'İ'.repeat(300),
  '👩‍👩‍👧‍👦'.repeat(50),
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '..%2f..%2f',
  '%',
  '%s%n%x',
  '%00',
  "' or '1'='1",
  '"; drop table apps; --',
  '${7*7}',
  '{{7*7}}',
  '$(id)',
  '-',
  '--help',
  '*',
  '/',
  '//',
  'a/b/../c',
  'NaN',
  '1e999',
  '-0',
  '0'.repeat(2000),
  '9'.repeat(400),
  'a'.repeat(30_000),
  '('.repeat(2000),
  '[[[[',
  '^(a+)+$',
  `${'a'.repeat(60)}!`,
  'http://[::1',
  'https://user:password@host/',
  'file:///etc/passwd',
  'ssh://-oProxyCommand=id/x',
  's3://bucket',
  'arn:aws:amplify:us-east-1:000000000000:apps/',
  `arn:aws:amplify:${':'.repeat(500)}`,
  'arn:aws:amplify:us-east-1:000000000000:apps/d1/branches/%2e%2e',
  'xn--a',
  'a..b',
  `${'a'.repeat(64)}.example`,
  '&a [*a]',
  aliasBomb,
  `customHeaders: ${'['.repeat(5000)}`,
  `customHeaders: ${'{a: '.repeat(3000)}`,
  'customHeaders: !!js/function "function(){}"',
  '? {a: b}\n: c',
  '<<: *missing',
  '- &a\n- *a',
  'a: b: c: d',
  '\t- tab',
  '%YAML 9.9\n---\n',
]

export const strangeText = (random: Random): string => random.pick(texts)

export function strangeValue(random: Random): unknown {
  if (random.chance(0.6)) return strangeText(random)
  return random.pick<() => unknown>([
    () => null,
    () => true,
    () => 0,
    () => -1,
    () => 1e308,
    () => 2 ** 53,
    () => 0.1,
    () => [],
    () => [null],
    () => [[[]]],
    () => ({}),
    () => ({ a: { b: [] } }),
    () => Array.from({ length: 300 }, (_item, index) => index),
    () => Object.fromEntries(Array.from({ length: 300 }, (_item, index) => [`k${index}`, 'v'])),
    () => ({ [strangeText(random)]: strangeText(random) }),
    () => Array.from({ length: 40 }, () => strangeText(random)),
  ])()
}
