import { describe, expect, test } from 'bun:test'

import {
  clientCloseFrame,
  clientFrame,
  codeToSend,
  FrameError,
  FrameReader,
  opcodes,
} from './websocket-frames.ts'

/** What bytes become, in pieces of so many. */
function read(bytes: Buffer, pieceBytes = bytes.length, bytesMax = 1000): unknown[] {
  const seen: unknown[] = []
  const reader = new FrameReader(bytesMax, {
    message: (data) => seen.push(typeof data === 'string' ? data : [...data]),
    ping: (payload) => seen.push(`ping ${payload.toString()}`),
    close: (code, reason) => seen.push(`close ${code} ${reason}`),
  })
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes))
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    seen.push(error.closeCode)
  }
  return seen
}

const frame = (first: number, text = '') => Buffer.from([first, text.length, ...Buffer.from(text, 'latin1')])
const utf8 = (text: string) => Buffer.from(text).toString('latin1')

describe('bytes of a server, in pieces of any length', () => {
  test.each<[string, Buffer[], unknown[]]>([
    ['a text', [frame(0x81, utf8('hé'))], ['hé']],
    ['bytes', [frame(0x82, 'ab')], [[97, 98]]],
    ['nothing', [frame(0x81), frame(0x82)], ['', []]],
    ['a message in frames', [frame(0x01, 'a'), frame(0x00), frame(0x80, 'b'), frame(0x81, 'c')], ['ab', 'c']],
    ['a character in two frames', [frame(0x01, '\xc3'), frame(0x80, '\xa9')], ['é']],
    ['a ping between two frames', [frame(0x01, 'a'), frame(0x89, 'x'), frame(0x80, 'b')], ['ping x', 'ab']],
    ['a pong', [frame(0x8a, 'x'), frame(0x81, 'a')], ['a']],
    ['a close, and nothing behind it', [frame(0x88, '\x0f\xa1why'), frame(0x81, 'a')], ['close 4001 why']],
    ['a close without a code', [frame(0x88)], ['close undefined ']],
    ['a close of one byte', [frame(0x88, 'a')], [1002]],
    ['a compressed one', [frame(0xc1, 'a')], [1002]],
    ['a masked one', [Buffer.from([0x81, 0x81, 0, 0, 0, 0, 97])], [1002]],
    ['an unknown one', [frame(0x83, 'a')], [1002]],
    ['an unknown control frame', [frame(0x8b)], [1002]],
    ['a ping in frames', [frame(0x09)], [1002]],
    ['a ping that is too long', [Buffer.from([0x89, 126, 0, 126])], [1002]],
    ['the end of no message', [frame(0x80, 'a')], [1002]],
    ['a message within another one', [frame(0x01, 'a'), frame(0x81, 'b')], [1002]],
    ['what is no text', [frame(0x81, '\xff')], [1007]],
    ['a long message', [Buffer.from([0x82, 126, 0x03, 0xe9])], [1009]],
    ['one of 62 bits', [Buffer.from([0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0])], [1009]],
    [
      'one that is long in all',
      [...Array<Buffer>(10).fill(frame(0x00, 'x'.repeat(100)))].with(0, frame(0x01, 'x'.repeat(101))),
      [1009],
    ],
  ])('%s', (_, frames, seen) => {
    const bytes = Buffer.concat(frames)
    for (const pieceBytes of [1, 2, 3, bytes.length]) expect(read(bytes, pieceBytes)).toEqual(seen)
  })

  test('a part of a message is one piece of memory, in however many frames it comes', () => {
    const reader = new FrameReader(1_000_000, { message() {}, ping() {}, close() {} })
    reader.push(frame(0x02))
    for (let count = 0; count < 100_000; count++) reader.push(frame(0x00, 'a'))
    expect(reader.heldBytes).toBeGreaterThanOrEqual(100_000)
    expect(reader.heldBytes).toBeLessThan(250_000)
    reader.push(frame(0x80))
    expect(reader.heldBytes).toBe(0)
  })
})

/** A server takes the mask off. */
function unmask(bytes: Buffer): { first: number; payload: Buffer } {
  const short = bytes[1]! & 0x7f
  expect(bytes[1]! & 0x80).toBe(0x80)
  const at = short === 127 ? 10 : short === 126 ? 4 : 2
  const length =
    short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  const mask = bytes.subarray(at, at + 4)
  const payload = Buffer.from(bytes.subarray(at + 4).map((byte, index) => byte ^ mask[index % 4]!))
  expect(payload).toHaveLength(length)
  return { first: bytes[0]!, payload }
}

describe('frames of a client', () => {
  test.each([0, 1, 125, 126, 65_535, 65_536])('have their length, %d', (length) => {
    const payload = Buffer.alloc(length, 'abc')
    const { first, payload: sent } = unmask(clientFrame(opcodes.binary, payload))
    expect([first, sent.equals(payload)]).toEqual([0x82, true])
  })

  test('close with a code, and a reason that fits', () => {
    expect(unmask(clientCloseFrame(4001, 'why'))).toEqual({
      first: 0x88,
      payload: Buffer.from('\x0f\xa1why', 'latin1'),
    })
    expect(unmask(clientCloseFrame(1000, 'é'.repeat(62))).payload).toHaveLength(2)
  })
})

test.each([
  [1000, 1000],
  [1001, 1001],
  [1004, 1000],
  [1005, 1000],
  [1006, 1000],
  [1011, 1011],
  [1015, 1000],
  [2000, 1000],
  [3000, 3000],
  [4999, 4999],
  [5000, 1000],
  [0, 1000],
])('the code %d is sent as %d', (code, sent) => expect(codeToSend(code)).toBe(sent))
