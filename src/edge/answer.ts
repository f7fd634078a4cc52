import { requestIdHeader } from './request-id.ts'

/**
 * What a visitor is answered, before it is a response: answers that are sent again and again share their headers, and what the
 * access log says of them is at hand. To read that from a response would cost more than the line.
 */
export interface Answer {
  /** May be those of other answers as well: who adds to them makes a copy first (`ownOf`). */
  headers: Headers
  body: Blob | ReadableStream | ArrayBuffer | string | null
  facts: AnswerFacts
  /** Of the request, where it was needed before the answer was ready. */
  id?: string
}

export interface AnswerFacts {
  status: number
  /** Value of Content-Type; absent where there is none. */
  contentType?: string
  /** Length of the content in bytes, which a HEAD is told and not sent; absent where there is none. */
  contentLength?: number
  /** Of an answer 206: the first byte and the one after the last. */
  range?: { start: number; end: number }
}

/** The answer, with headers that are its own. */
export function ownOf(answer: Answer): Answer {
  return { ...answer, headers: new Headers(answer.headers) }
}

/**
 * The answer to one request, which tells its id. That is set on the headers that others share: a response takes a copy of them,
 * which costs a fifth of making it from a record.
 */
export function responseOf({ headers, body, facts: { status } }: Answer, id: string): Response {
  headers.set(requestIdHeader, id)
  return new Response(body, { status, headers })
}
