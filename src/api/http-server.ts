import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

import type { Logger } from 'pino'

import { limits } from '../model/limits.ts'
import { ClientDisconnected, type HttpRequest, type HttpResponse } from './http.ts'

export interface ListenOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  handle(request: HttpRequest): Promise<HttpResponse>
  log: Logger
  /** From the start of a connection, or of its next request, to the end of the request's headers. */
  headerMillisecondsMax?: number
  /** Between two pieces of a request or a response. */
  idleMillisecondsMax?: number
}

export interface HttpServer {
  port: number
  /** Takes no more connections, lets requests at work end for some seconds, then closes what is left. */
  stop(): Promise<void>
}

const keepAliveSeconds = 65
const drainSecondsMax = 10

/**
 * The API's listener, on node:http because it keeps the raw target and every header, and has a deadline for headers.
 * Bodies have no deadline and no size limit here, only an idle time: what is read, and how much of it, is the handler's
 * decision.
 */
export async function listen({
  host,
  port,
  handle,
  log,
  headerMillisecondsMax = limits.requestHeaderSecondsMax * 1000,
  idleMillisecondsMax = limits.transferIdleSecondsMax * 1000,
}: ListenOptions): Promise<HttpServer> {
  const server = createServer({
    headersTimeout: headerMillisecondsMax,
    connectionsCheckingInterval: Math.min(1000, headerMillisecondsMax),
    maxHeaderSize: limits.requestHeaderBytesMax,
    keepAliveTimeout: keepAliveSeconds * 1000,
    requestTimeout: 0,
    // The gateway answers a missing Host in the API's own form.
    requireHostHeader: false,
  })
  server.setTimeout(idleMillisecondsMax)
  let isStopping = false
  const endless = new Set<ServerResponse>()
  const underWay = new WeakMap<Socket, number>()
  const respond = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming
    const requests = (underWay.get(socket) ?? 0) + 1
    // Bun hands out all that a connection sends ahead, and holds every answer until it is read.
    if (requests > limits.connectionRequestsMax || socket.destroyed) {
      socket.destroy()
      return
    }
    underWay.set(socket, requests)
    outgoing.on('close', () => {
      underWay.set(socket, underWay.get(socket)! - 1)
      if (isStopping) setImmediate(() => server.closeIdleConnections())
    })
    exchange(incoming, outgoing, handle, endless).catch((error: unknown) => {
      log.error({ err: error }, 'A response could not be written')
      outgoing.destroy()
    })
  }
  server.on('request', respond)
  // Listening to this leaves it to us when to say 100 Continue: once the body is wanted.
  server.on('checkContinue', respond)
  // What else a client expects is its own affair: it is answered as if it had expected nothing (RFC 9110 §10.1.1).
  server.on('checkExpectation', respond)
  server.on('clientError', refuseMalformed)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise<void>((resolve) => {
        isStopping = true
        const deadline = setTimeout(() => server.closeAllConnections(), drainSecondsMax * 1000)
        server.close(() => {
          clearTimeout(deadline)
          resolve()
        })
        server.closeIdleConnections()
        for (const outgoing of endless) outgoing.destroy()
      }),
  }
}

async function exchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: ListenOptions['handle'],
  endless: Set<ServerResponse>,
): Promise<void> {
  const response = await handle(requestOf(incoming, outgoing))
  const headers = { ...contentLength(response), ...(hasUnreadBody(incoming) && { Connection: 'close' }) }
  // Set one by one, names of another case replace what is set here.
  for (const [name, value] of Object.entries({ ...headers, ...response.headers }))
    outgoing.setHeader(name, value)
  outgoing.writeHead(response.status)
  if (response.isEndless && !outgoing.destroyed) {
    endless.add(outgoing)
    outgoing.on('close', () => endless.delete(outgoing))
  }
  if (incoming.method === 'HEAD' || response.body === null) {
    if (response.body instanceof ReadableStream) await response.body.cancel()
    outgoing.end()
  } else if (typeof response.body === 'string' || response.body instanceof Uint8Array) {
    outgoing.end(response.body)
  } else {
    await writeStream(response.body instanceof Blob ? response.body.stream() : response.body, outgoing)
  }
  if (hasUnreadBody(incoming)) discard(incoming)
}

function requestOf(incoming: IncomingMessage, outgoing: ServerResponse): HttpRequest {
  const headers = new Map<string, string[]>()
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at]!.toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), incoming.rawHeaders[at + 1]!])
  }
  return {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    headers,
    remoteAddress: incoming.socket.remoteAddress ?? '',
    body: bodyOf(incoming, outgoing),
  }
}

/**
 * The body as it arrives: asked for with the first read, and read no faster than it is taken. It fails when the client
 * goes away before its end.
 */
function bodyOf(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let isBegun = false
  let isOver = false
  const end = (finish: () => void) => {
    if (!isOver) finish()
    isOver = true
  }
  const begin = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    isBegun = true
    if (incoming.headers.expect?.toLowerCase() === '100-continue') outgoing.writeContinue()
    const fail = () => end(() => controller.error(new ClientDisconnected()))
    incoming.on('data', (chunk: Buffer) => {
      if (isOver) return
      controller.enqueue(chunk)
      incoming.pause()
    })
    incoming.on('end', () => end(() => controller.close()))
    incoming.on('error', fail)
    incoming.on('close', fail)
  }
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (isBegun) incoming.resume()
        else begin(controller)
      },
      cancel() {
        isOver = true
      },
    },
    { highWaterMark: 0 },
  )
}

/** What is known of a body's length without reading it. Handlers that stream name it themselves. */
function contentLength({ body }: HttpResponse): Record<string, string> {
  if (typeof body === 'string') return { 'Content-Length': String(Buffer.byteLength(body)) }
  if (body instanceof Uint8Array) return { 'Content-Length': String(body.byteLength) }
  if (body instanceof Blob) return { 'Content-Length': String(body.size) }
  return body === null ? { 'Content-Length': '0' } : {}
}

/** Writes as fast as the client reads. A client that goes away ends the stream; a stream that fails ends the connection. */
async function writeStream(stream: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = stream.getReader()
  // A stream that waits for something to say learns of it too.
  outgoing.on('close', () => void reader.cancel().catch(() => undefined))
  try {
    while (!outgoing.destroyed) {
      const { done, value } = await reader.read()
      if (done) {
        outgoing.end()
        return
      }
      if (!outgoing.write(value)) await drained(outgoing)
    }
  } catch (error) {
    outgoing.destroy()
    throw error
  } finally {
    await reader.cancel()
  }
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      outgoing.off('drain', settle)
      outgoing.off('close', settle)
      resolve()
    }
    outgoing.on('drain', settle)
    outgoing.on('close', settle)
    if (outgoing.destroyed) settle()
  })
}

function hasUnreadBody({ complete, headers }: IncomingMessage): boolean {
  return (
    !complete && (Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined)
  )
}

/**
 * Takes in the rest of a body that nobody read, up to a bound: a connection that is closed over unread bytes is reset,
 * and the client would lose the answer that told it why.
 */
function discard(incoming: IncomingMessage): void {
  let bytes = 0
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes > limits.requestBodyBytesMax) incoming.socket.destroy()
  })
  incoming.on('error', () => incoming.socket.destroy())
  incoming.resume()
}

/** What the parser refuses never reaches the gateway, and is answered in its form all the same. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket | { destroy(): void }): void {
  if (!('writable' in socket) || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = clientErrorStatus[error.code ?? ''] ?? '400 Bad Request'
  const body = JSON.stringify({ message: 'The server cannot read this HTTP request.' })
  const headers = {
    'x-amzn-RequestId': randomUUID(),
    'x-amzn-ErrorType': 'BadRequestException',
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    Connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`)
}

const clientErrorStatus: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}
