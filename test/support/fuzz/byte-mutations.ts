import type { Random } from './random.ts'

type ByteMutation = (random: Random, bytes: Buffer) => Buffer

const spliced = (bytes: Buffer, at: number, piece: Buffer | string, remove = 0) =>
  Buffer.concat([bytes.subarray(0, at), Buffer.from(piece as string), bytes.subarray(at + remove)])

/** Somewhere in the first KiB: in the request line or a header, as a rule. */
const near = (random: Random, bytes: Buffer) => random.below(Math.min(bytes.length, 1024) + 1)

const byteMutations: readonly ByteMutation[] = [
  (random, bytes) => {
    const copy = Buffer.from(bytes)
    for (let turn = random.below(4); turn >= 0; turn--) copy[near(random, bytes)]! ^= 1 << random.below(8)
    return copy
  },
  (random, bytes) =>
    spliced(
      bytes,
      near(random, bytes),
      random.pick(['\0', '\r', '\n', '\r\n', '\r\n\r\n', ' ', ':', '\xff', '\t']),
    ),
  (random, bytes) => spliced(bytes, near(random, bytes), '', 1 + random.below(20)),
  (random, bytes) => spliced(bytes, near(random, bytes), Buffer.alloc(random.below(2000), random.below(256))),
  (_random, bytes) => Buffer.from(bytes.toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1'),
  (random, bytes) =>
    Buffer.from(
      bytes
        .toString('latin1')
        .replace('HTTP/1.1', random.pick(['HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', 'HTTP/1.10', 'http/1.1', ''])),
      'latin1',
    ),
  (_random, bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  (_random, bytes) => Buffer.concat([Buffer.from('\r\n\r\n'), bytes]),
  (_random, bytes) => Buffer.concat([bytes, bytes, bytes]),
  (_random, bytes) => Buffer.concat([bytes, Buffer.from('GET /apps HTTP/1.1\r\nHost: localhost\r\n\r\n')]),
  () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'),
  () => Buffer.from([0x16, 3, 1, 0, 0xa5, 1, 0, 0, 0xa1, 3, 3]),
  (random) => Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256))),
  () =>
    Buffer.from(
      'POST /apps HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc',
    ),
  () =>
    Buffer.from('POST /apps HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n'),
  () =>
    Buffer.from(
      `POST /apps HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;${'e'.repeat(20_000)}\r\na\r\n0\r\n\r\n`,
    ),
  () =>
    Buffer.from(
      `POST /apps HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'T: t\r\n'.repeat(5000)}\r\n`,
    ),
]

export const mutateBytes = (random: Random, bytes: Buffer): Buffer =>
  random.pick(byteMutations)(random, bytes)
