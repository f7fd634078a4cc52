import type { FuzzRequest } from './fuzz-request.ts'
import type { Random } from './random.ts'
import { strangeText } from './strange-values.ts'

type HeaderMutation = (random: Random, headers: FuzzRequest['headers']) => FuzzRequest['headers']

const added =
  (...lines: [name: string, value: string][]): HeaderMutation =>
  (random, headers) => [...headers, random.pick(lines)]

const replaced =
  (name: string, ...values: string[]): HeaderMutation =>
  (random, headers) => [
    ...headers.filter(([other]) => other.toLowerCase() !== name.toLowerCase()),
    [name, random.pick(values)],
  ]

const hosts = [
  '',
  'a b',
  'a:b:c',
  'user@host',
  '[::1]',
  '[::1]:80',
  '[',
  'localhost:99999999',
  '日本',
  'a'.repeat(300),
  '..',
  '-',
  'a/b',
  '127.0.0.1:0',
]
const lengths = [
  '-1',
  '+5',
  '0x5',
  '5, 5',
  '5.0',
  '1e3',
  ' ',
  '99999999999999999999',
  '18446744073709551616',
  '٣',
]
const encodings = [
  'chunked',
  'gzip, chunked',
  'chunked, chunked',
  'identity',
  'xchunked',
  ' chunked',
  'chunked;a=b',
]

const headerMutations: readonly HeaderMutation[] = [
  (random, headers) => headers.toSpliced(random.below(headers.length), 1),
  (random, headers) => [...headers, random.pick(headers)],
  (random, headers) => headers.toSorted(() => random.fraction() - 0.5),
  (_random, headers) => headers.map(([name, value]) => [name.toUpperCase(), value]),
  (random, headers) => headers.with(random.below(headers.length), ['X', strangeText(random)]),
  (random, headers) => {
    const at = random.below(headers.length)
    return headers.with(at, [headers[at]![0], strangeText(random)])
  },
  replaced('Host', ...hosts),
  added(...hosts.map((host): [string, string] => ['Host', host])),
  replaced('Content-Length', ...lengths),
  added(...lengths.map((length): [string, string] => ['Content-Length', length])),
  added(...encodings.map((encoding): [string, string] => ['Transfer-Encoding', encoding])),
  added(['Expect', '100-continue'], ['Expect', '100-CONTINUE'], ['Expect', 'tea'], ['Expect', '']),
  added(
    ['Upgrade', 'websocket'],
    ['Upgrade', 'h2c'],
    ['Connection', 'upgrade'],
    ['HTTP2-Settings', 'AAMAAABk'],
    ['Connection', 'keep-alive, Host'],
  ),
  added(
    ['Content-Encoding', 'gzip'],
    ['Content-Type', 'text/html; charset=utf-7'],
    ['Content-Type', ''],
    ['Accept-Encoding', 'br;q=0'],
  ),
  added(
    ['X-Amz-Security-Token', 'a'],
    ['X-Amz-Target', 'Amplify.DeleteApp'],
    ['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD'],
    ['X-Amz-Content-Sha256', ''],
  ),
  added(
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Original-URL', '/apps'],
    ['Forwarded', 'host="'],
  ),
  added(['X-Large', 'a'.repeat(31_000)], ['X-Large', 'a'.repeat(40_000)], ['A'.repeat(20_000), 'b']),
  (_random, headers) => [
    ...headers,
    ...Array.from({ length: 300 }, (_each, at): [string, string] => [`X-${at}`, 'a']),
  ],
  added(
    ['Bad Name', 'a'],
    ['', 'a'],
    ['X\0', 'a'],
    ['Ünï', 'a'],
    ['__proto__', 'a'],
    ['constructor', 'a'],
    ['X', 'a\r\n folded'],
    ['X', 'a\nY: b'],
    ['X', '\0'],
    ['X', '\xff'],
  ),
]

export function mutateHeaders(random: Random, request: FuzzRequest): void {
  if (request.headers.length === 0) return
  request.headers = random.pick(headerMutations)(random, request.headers)
}
