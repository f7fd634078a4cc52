import type { ReadableStreamDefaultReader } from 'node:stream/web'

import { limits } from '../model/limits.ts'
import { BadRequestException, RequestTimeoutException, RequestTooLargeException } from './errors.ts'

/**
 * Reads a whole body.
 * @param secondsMax from now to its end, however busily it arrives; shorter in tests only
 * @throws {RequestTooLargeException} beyond the limit, {RequestTimeoutException} when it does not arrive in time
 */
export async function readBody(
  body: ReadableStream<Uint8Array>,
  secondsMax: number = limits.requestBodySecondsMax,
): Promise<Uint8Array> {
  const reader = body.getReader()
  const { promise: timedOut, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new RequestTimeoutException('The request body did not arrive in time.')),
    secondsMax * 1000,
  )
  try {
    return await Promise.race([readAll(reader), timedOut])
  } catch (error) {
    // The reason it is not read further is already on its way to the client.
    reader.cancel(error).catch(() => undefined)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    bytes += value!.byteLength
    if (bytes > limits.requestBodyBytesMax) {
      throw new RequestTooLargeException(
        `The request body must not exceed ${limits.requestBodyBytesMax} bytes.`,
      )
    }
    chunks.push(value!)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/**
 * Reads the members of a JSON body. A member that is null is one that was not sent (contract/api-behaviour.md §1.2).
 * @throws {BadRequestException} for anything but an object of bounded depth
 */
export function parseJsonObject(body: Uint8Array): Record<string, unknown> {
  if (body.byteLength === 0) return {}
  const value = parse(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadRequestException('The request body must be a JSON object.')
  }
  return value as Record<string, unknown>
}

function parse(body: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    checkDepth(text)
    return JSON.parse(text, (_key, value: unknown) => value ?? undefined)
  } catch (error) {
    if (error instanceof BadRequestException) throw error
    throw new BadRequestException('The request body is not valid JSON in UTF-8.')
  }
}

/** Before it is parsed: a parser, and whatever walks its result, recurses once for each level. */
function checkDepth(text: string): void {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at++
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth--
    if (depth > limits.requestJsonDepthMax) {
      throw new BadRequestException(
        `The request body must not be nested deeper than ${limits.requestJsonDepthMax} levels.`,
      )
    }
  }
}

/** An output as it goes over the wire: times as epoch seconds with up to three decimals, absent members left out. */
export function toJson(output: unknown): string {
  return JSON.stringify(toWire(output))
}

function toWire(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000
  if (Array.isArray(value)) return value.map(toWire)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined || member === null ? [] : [[key, toWire(member)]],
    ),
  )
}
