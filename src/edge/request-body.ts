import { limits } from '../model/limits.ts'
import type { Answer } from './answer.ts'
import { errorPage } from './pages.ts'

/** Bodies of GET and HEAD nobody reads. */
export function mayBringBody({ method }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/** Whether a request announces a body that is too long. */
export function announcesTooMuch(request: Request): boolean {
  return (
    mayBringBody(request) &&
    Number(request.headers.get('content-length') ?? 0) > limits.siteRequestBodyBytesMax
  )
}

/** The connection ends with it: what is still to come would have to be read for the next request. */
export function tooLarge(): Answer {
  const mebibytes = limits.siteRequestBodyBytesMax / 1024 / 1024
  const answer = errorPage(413, 'Content too large', `A request may bring ${mebibytes} MiB at most.`)
  answer.headers.set('connection', 'close')
  return answer
}

/**
 * Reads a body whose length is not announced, which shows only at its end whether it is too long. That is kept in memory, and no
 * more than that: what is handed on as a stream Bun gathers for a server that takes it slowly.
 * @returns undefined where there is none, or its length is announced; `gone` where the visitor has left in between
 */
export async function readUnannounced(
  request: Request,
): Promise<Uint8Array | 'too-large' | 'gone' | undefined> {
  if (!request.body || request.headers.has('content-length')) return undefined
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of request.body) {
      bytes += piece.byteLength
      if (bytes > limits.siteRequestBodyBytesMax) return 'too-large'
      pieces.push(piece)
    }
  } catch (error) {
    if (request.signal.aborted) return 'gone'
    throw error
  }
  return Buffer.concat(pieces)
}
