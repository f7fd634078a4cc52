import type { WebSocketHandler } from 'bun'

import { limits } from '../model/limits.ts'
import type { Certificate } from './certificate.ts'
import type { Tunnel } from './websocket-proxy.ts'

export type EdgeServer = Bun.Server<Tunnel>

export interface ListenerOptions {
  host: string
  port: number
  reusePort: boolean
  http2: boolean
  /** Undefined for plain HTTP. */
  certificate?: Certificate
  /** Between two pieces of an answer, and for a whole body of a request. */
  idleSeconds?: number
}

/** To which a request was sent. */
export interface ListenerPort {
  server: EdgeServer
  http2: boolean
}

export interface Handlers {
  handle(request: Request, port: ListenerPort): Response | Promise<Response>
  fail(error: unknown): Response
  websocket: WebSocketHandler<Tunnel>
}

/** One port, under one certificate. */
export interface Listener {
  port: number
  /** Goes on taking requests for so long, and tells each client by `Connection: close` to send no other. */
  drain(milliseconds: number): Promise<void>
  /** Stops listening, which tells clients of HTTP/2 by GOAWAY. Resolves when the requests in flight are answered. */
  stop(): Promise<void>
}

/** @throws an error with the code EADDRINUSE */
export function openListener(
  { host, port, reusePort, http2, certificate, idleSeconds = limits.siteIdleSecondsMax }: ListenerOptions,
  { handle, fail, websocket }: Handlers,
): Listener {
  let closing = false
  let isUsed = false

  async function handleOnce(request: Request): Promise<Response> {
    const response = await handle(request, own)
    // A WebSocket has none. Bun leaves the header out of HTTP/2, which has no such thing.
    response?.headers.set('connection', 'close')
    return response
  }

  const server = Bun.serve<Tunnel>({
    hostname: host,
    port,
    reusePort,
    http2,
    ...(certificate && { tls: certificate }),
    development: false,
    idleTimeout: idleSeconds,
    // Bun refuses with an answer that has no id and is in no log: the edge does it itself (`request-body.ts`).
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    websocket,
    fetch(request) {
      isUsed = true
      return closing ? handleOnce(request) : handle(request, own)
    },
    error: fail,
  })
  const own: ListenerPort = { server, http2 }
  return {
    port: server.port!,
    async drain(milliseconds) {
      closing = true
      // Nobody holds a connection to what has never answered.
      if (isUsed && milliseconds > 0) await Bun.sleep(milliseconds)
    },
    stop: () => server.stop(),
  }
}
