/** A response, and what the access log says of it: to read that from the response would cost more than the line. */
export interface Answer {
  response: Response
  facts: AnswerFacts
  /** Of the request, where it was needed before the answer was ready. */
  id?: string
  /** Whether it is kept to be sent again: visitors get copies of it. */
  isKept?: true
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

/**
 * The answer as a visitor gets it, with this header. Of an answer that is kept it is a copy, which costs a sixth of making one
 * from its headers; that the header is set before it is copied costs a quarter of setting it afterwards (bench/edge.ts).
 */
export function sentOf({ response, isKept }: Answer, name: string, value: string): Response {
  response.headers.set(name, value)
  return isKept ? copyOf(response) : response
}

/** The answer, to be changed. */
export function ownOf(answer: Answer): Answer {
  const { response, facts, isKept } = answer
  return isKept ? { response: copyOf(response), facts } : answer
}

/** The types of undici, which `clone` comes from, do not know what Bun adds to Headers. */
function copyOf(response: Response): Response {
  return response.clone() as Response
}
