import type { FuzzRequest } from './fuzz-request.ts'
import type { Random } from './random.ts'
import { strangeValue } from './strange-values.ts'

type BodyMutation = (random: Random, body: Buffer) => Buffer

const truncated: BodyMutation = (random, body) => body.subarray(0, random.below(body.length + 1))

const flipped: BodyMutation = (random, body) => {
  const copy = Buffer.from(body)
  if (copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8)
  return copy
}

/** With one more member, written by hand: what `JSON.stringify` does not write. */
const withMember =
  (member: string): BodyMutation =>
  (_random, body) =>
    Buffer.concat([
      Buffer.from(body.toString().replace(/\}$/, body.length > 2 ? `,${member}}` : `${member}}`)),
    ])

const wholly =
  (make: (random: Random) => string | Buffer): BodyMutation =>
  (random) =>
    Buffer.from(make(random) as string)

const nested = (depth: number) => `{"name":${'['.repeat(depth)}${']'.repeat(depth)}}`

const bodyMutations: readonly BodyMutation[] = [
  truncated,
  flipped,
  (_random, body) => Buffer.concat([Buffer.from('\uFEFF'), body]),
  (_random, body) => Buffer.from(body.toString(), 'utf16le'),
  (_random, body) => Buffer.concat([body, body]),
  withMember('"name":"a","name":["b"]'),
  withMember('"__proto__":{"appId":"d1","isAdmin":true}'),
  withMember('"constructor":{"prototype":{}},"toString":"x","hasOwnProperty":1'),
  withMember('"name":"\\ud800"'),
  withMember('"description":"\\u0000"'),
  withMember('"name":1e99999'),
  withMember(`"commitTime":${'9'.repeat(5000)}`),
  withMember('"environmentVariables":{"__proto__":"x","":"","a":null}'),
  withMember('"tags":{"__proto__":"x","constructor":"y"}'),
  withMember('"appId":"d1","branchName":"../other"'),
  wholly(() => nested(31)),
  wholly(() => nested(33)),
  wholly(() => nested(100_000)),
  wholly(() => '{"a":'.repeat(10_000)),
  wholly(() => '[]'),
  wholly(() => 'null'),
  wholly(() => '"'),
  wholly(() => '{"name":"\\u00"}'),
  wholly(() => Buffer.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d)),
  wholly(() => Buffer.of(0xed, 0xa0, 0x80)),
  wholly((random) => JSON.stringify(strangeValue(random))),
  wholly(() => `{"name":"${'a'.repeat(200_000)}"}`),
  wholly(() => ' '.repeat(1024 * 1024 + 1)),
]

export function mutateBody(random: Random, request: FuzzRequest): void {
  request.body = random.pick(bodyMutations)(random, request.body)
}
