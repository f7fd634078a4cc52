import type { FuzzRequest } from './fuzz-request.ts'
import type { Random } from './random.ts'
import { strangeText } from './strange-values.ts'

type TextMutation = (random: Random, text: string) => string

/** Puts something between two characters. */
const inserted =
  (...pieces: string[]): TextMutation =>
  (random, text) => {
    const at = 1 + random.below(text.length)
    return text.slice(0, at) + random.pick(pieces) + text.slice(at)
  }

const targetMutations: readonly TextMutation[] = [
  inserted('/', '//', '/.', '/..', '/../', '/%2e%2e/', '/./', ';a=b', '\\', '..;/'),
  inserted(
    '%',
    '%zz',
    '%2',
    '%00',
    '%2F',
    '%252F',
    '%c0%af',
    '%ff',
    '%ed%a0%80',
    '%EF%BB%BF',
    '%0d%0aX:%201',
  ),
  inserted(' ', '\t', '\0', '\x7f', '\xff', '#', '"', '<', '|', '^', '`', '{', '\u00e9'),
  inserted('a'.repeat(3000), 'a'.repeat(31_000), '/a'.repeat(5000), '%41'.repeat(4000)),
  (_random, target) => target.toUpperCase(),
  (_random, target) => `${target}/`,
  (_random, target) => `/${target}`,
  (_random, target) => target.slice(1),
  (random, target) => target.slice(0, random.below(target.length)),
  (_random, target) => `http://127.0.0.1${target}`,
  (_random, target) => `HTTP://localhost:1${target}`,
  (_random, target) => `ftp://localhost${target}`,
  () => '*',
  () => '',
  () => 'localhost:80',
  () => '/__proto__',
  () => '/apps/__proto__/branches/constructor',
  (_random, target) => `${target}${target.includes('?') ? '&' : '?'}maxResults=1&maxResults=2`,
  (_random, target) =>
    `${target}?nextToken=${Buffer.from('{"createdAt":1e99,"id":null}').toString('base64url')}`,
  (random, target) => `${target}?maxResults=${encodeURIComponent(strangeText(random).toWellFormed())}`,
  (random, target) => `${target}?nextToken=${encodeURIComponent(strangeText(random).toWellFormed())}`,
  (_random, target) => `${target}?__proto__=a&constructor=b&tagKeys=&tagKeys=__proto__`,
  (_random, target) => `${target}?${'a=b&'.repeat(5000)}`,
  (_random, target) => `${target}?&&==&a&=b&%=%`,
  (random, target) =>
    target.replace(/[^/?]+(?=\?|$)/, () => encodeURIComponent(strangeText(random).toWellFormed())),
]

const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'PRI',
  'get',
  'G\0T',
  'A'.repeat(500),
]

export function mutateTarget(random: Random, request: FuzzRequest): void {
  request.target = random.pick(targetMutations)(random, request.target)
}

export function mutateMethod(random: Random, request: FuzzRequest): void {
  request.method = random.pick(methods)
}
