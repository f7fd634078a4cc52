import { limits } from '../model/limits.ts'
import type { Answer } from './answer.ts'
import { errorPage } from './pages.ts'

/** Bodies of GET and HEAD nobody reads. */
function mayBringBody({ method }: Request): boolean {
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

/** A body whose length is not announced, on its way to a server behind us: it is handed on as it comes, until it is too long. */
export class UnannouncedBody {
  readonly stream: ReadableStream<Uint8Array>
  #bytes = 0

  constructor(body: ReadableStream<Uint8Array>) {
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        this.#bytes += piece.byteLength
        if (this.isTooLong) controller.error(new Error('the body is too long'))
        else controller.enqueue(piece)
      },
    })
    this.stream = body.pipeThrough(counted)
  }

  get isTooLong(): boolean {
    return this.#bytes > limits.siteRequestBodyBytesMax
  }
}

/** @returns undefined where there is none, or its length is announced */
export function unannouncedBody(request: Request): UnannouncedBody | undefined {
  if (!mayBringBody(request) || request.headers.has('content-length') || !request.body) return undefined
  return new UnannouncedBody(request.body)
}
