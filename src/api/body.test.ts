import { describe, expect, test } from 'bun:test'

import { limits } from '../model/limits.ts'
import { parseJsonObject, readBody, toJson } from './body.ts'
import { BadRequestException, RequestTimeoutException, RequestTooLargeException } from './errors.ts'

const parse = (text: string) => parseJsonObject(Buffer.from(text))
const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

describe('a JSON body', () => {
  test('gives its members, null counting as absent', () => {
    expect(parse('{"a":1,"b":null,"c":{"d":null,"e":"\\u00e9"}}')).toEqual({ a: 1, c: { e: 'é' } })
    expect(parse('')).toEqual({})
  })

  test('may hold brackets in its texts', () => {
    const text = '[{'.repeat(1000) + '\\"'.repeat(1000)
    expect(parse(`{"a":"${text}"}`)).toEqual({ a: JSON.parse(`"${text}"`) as string })
  })

  test('may be nested to a bound', () => {
    expect(parse(nested(limits.requestJsonDepthMax))).toHaveProperty('a')
    expect(() => parse(nested(limits.requestJsonDepthMax + 1))).toThrow(BadRequestException)
    expect(() => parse('['.repeat(1_000_000))).toThrow(BadRequestException)
  })

  test.each(['[]', 'null', '1', '"a"', '{', '{"a":}', 'x', '"'.repeat(100_001)])('is not %.20s', (text) => {
    expect(() => parse(text)).toThrow(BadRequestException)
  })

  test('is UTF-8', () => {
    expect(() => parseJsonObject(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d))).toThrow(BadRequestException)
  })

  test('keeps a member called __proto__ to itself', () => {
    const parsed = parse('{"__proto__":{"a":1}}')
    expect(Object.keys(parsed)).toEqual(['__proto__'])
    expect(parsed['a']).toBeUndefined()
  })
})

const stream = (bytes: number) => new Blob([new Uint8Array(bytes)]).stream()

test('a body is read to the limit and no further', async () => {
  expect((await readBody(stream(limits.requestBodyBytesMax))).byteLength).toBe(limits.requestBodyBytesMax)
  await expect(readBody(stream(limits.requestBodyBytesMax + 1))).rejects.toBeInstanceOf(
    RequestTooLargeException,
  )
})

test('a body that comes in drops is given up in time, and its sender let go', async () => {
  const cancelled = Promise.withResolvers<void>()
  const drops = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await Bun.sleep(5)
      controller.enqueue(Buffer.from(' '))
    },
    cancel: () => cancelled.resolve(),
  })
  await expect(readBody(drops, 0.05)).rejects.toBeInstanceOf(RequestTimeoutException)
  await cancelled.promise
})

test('an output has times as epoch seconds and no absent members', () => {
  const output = {
    at: new Date(1_704_164_645_678),
    whole: new Date(1_704_164_645_000),
    list: [{ a: undefined }],
    n: null,
  }
  expect(toJson(output)).toBe('{"at":1704164645.678,"whole":1704164645,"list":[{}]}')
})
