/**
 * A request and a response as the gateway sees them, free of the server that carries them, so that handlers can be
 * tested without a port.
 */
export interface HttpRequest {
  method: string
  /** The request target exactly as it was sent, not normalised, not decoded. */
  target: string
  /** Names in lower case; a header that was sent twice has two values. */
  headers: ReadonlyMap<string, readonly string[]>
  body: ReadableStream<Uint8Array>
  remoteAddress: string
}

export interface HttpResponse {
  status: number
  headers: Record<string, string>
  body: string | Uint8Array | Blob | ReadableStream<Uint8Array> | null
  /** Whether the body goes on until its reader has enough: a server that stops does not wait for it. */
  isEndless?: boolean
}

/** What an endpoint answers in place of an object that becomes JSON. */
export class OtherResponse {
  readonly response: HttpResponse

  constructor(response: HttpResponse) {
    this.response = response
  }
}

/** What reading a body fails with when the client goes away before its end: nobody's bug. */
export class ClientDisconnected extends Error {
  constructor() {
    super('The client closed the connection before the end of the body')
  }
}
