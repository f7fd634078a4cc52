import { createHash, randomBytes } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'

import { limits } from '../model/limits.ts'
import { PingLimit } from './ping-limit.ts'
import {
  clientCloseFrame,
  clientFrame,
  closeCodes,
  codeToSend,
  FrameError,
  FrameReader,
  opcodes,
} from './websocket-frames.ts'

/**
 * A WebSocket to a server behind us. It is not Bun's own: that keeps up to 128 MiB of a message that does not end, which nothing
 * bounds, and a few servers of a tenant would take the memory of all sites.
 */
export interface WebSocketClient {
  /** The one of those that were offered which the server has chosen; empty for none. */
  readonly protocol: string
  /** Of a message that is not complete, and of what the server has not taken yet. */
  readonly heldBytes: number
  readonly waitingBytes: number
  /** Nothing is read before. */
  start(handlers: ClientHandlers): void
  send(message: string | Buffer): void
  pause(): void
  resume(): void
  /** @param code 1006 where the visitor is gone without one: so is this side then */
  close(code: number, reason: string): void
  /** Ends it at once. */
  destroy(): void
}

export interface ClientHandlers {
  message(data: string | Buffer): void
  /** After each piece that was read or written. */
  moved(): void
  /** No message comes any more. The code is one that can be sent, or 1006 where the connection broke. */
  closing(code: number, reason: string): void
  /** There is no connection any more. */
  ended(): void
}

export interface WebSocketTarget {
  /** With `http:` or `https:`, and an address as its host. */
  url: string
  /** Of the certificate. */
  serverName: string
  headers: Headers
  protocols: string[]
  /** Gives up. */
  signal: AbortSignal
}

const answerBytesMax = 16 * 1024
/** Of what the server has not taken: beyond, its pings are not answered. */
const pongBytesMax = 64 * 1024
/** For the server to take what is left, and to close its side. */
const closeMilliseconds = 5000

/** @returns undefined where there is no such server, or it wants no WebSocket */
export async function openWebSocket(target: WebSocketTarget): Promise<WebSocketClient | undefined> {
  if (target.signal.aborted) return undefined
  const key = randomBytes(16).toString('base64')
  const socket = dial(target)
  // What is wrong with a connection shows by its end.
  socket.on('error', () => undefined)
  const giveUp = () => void socket.destroy()
  target.signal.addEventListener('abort', giveUp)
  try {
    const answer = await askFor(socket, requestOf(target, key))
    const protocol = answer && protocolOf(answer.head, key, target.protocols)
    if (protocol !== undefined && !socket.destroyed) return new Client(socket, protocol, answer!.rest)
    socket.destroy()
    return undefined
  } finally {
    target.signal.removeEventListener('abort', giveUp)
  }
}

function dial({ url, serverName }: WebSocketTarget): Socket {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const isTls = protocol === 'https:'
  const address = { host, port: Number(port || (isTls ? 443 : 80)) }
  if (!isTls) return connectTcp(address)
  // Certificates of an address are compared with that; it is not named to the server (RFC 6066 §3).
  const isNamed = isIP(serverName.replace(/^\[|\]$/g, '')) === 0
  return connectTls({ ...address, ...(isNamed && { servername: serverName }) })
}

function requestOf({ url, headers, protocols }: WebSocketTarget, key: string): string {
  const { pathname, search } = new URL(url)
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    ...[...headers].map(([name, value]) => `${name}: ${value}`),
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${key}`,
    ...(protocols.length > 0 ? [`sec-websocket-protocol: ${protocols.join(', ')}`] : []),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** @returns the head of the answer, and what has come behind it */
function askFor(socket: Socket, request: string): Promise<{ head: string; rest: Buffer } | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const take = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (end === -1 && received.length <= answerBytesMax) return
      socket.pause()
      socket.off('data', take)
      resolve(
        end === -1
          ? undefined
          : { head: received.toString('latin1', 0, end), rest: received.subarray(end + 4) },
      )
    }
    socket.on('data', take)
    socket.on('close', () => resolve(undefined))
    // A certificate that is not accepted ends the connection before: nothing of the visitor's is sent.
    const isTls = socket instanceof TLSSocket
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      if (isTls && !socket.authorized) socket.destroy()
      else socket.write(request, 'latin1')
    })
  })
}

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** @returns the protocol that was agreed on, or undefined where the answer opens no WebSocket (RFC 6455 §4.1) */
function protocolOf(head: string, key: string, offered: string[]): string | undefined {
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const [name = '', ...value] = line.split(':')
      return [name.trim().toLowerCase(), value.join(':').trim()]
    }),
  )
  const header = (name: string) => headers.get(name) ?? ''
  const accept = createHash('sha1')
    .update(key + magic)
    .digest('base64')
  const tokens = header('connection').toLowerCase().split(',')
  const protocol = header('sec-websocket-protocol')
  const isOpen =
    /^HTTP\/1\.1 101(?: |$)/.test(statusLine) &&
    header('upgrade').toLowerCase() === 'websocket' &&
    tokens.some((token) => token.trim() === 'upgrade') &&
    header('sec-websocket-accept') === accept &&
    // Compression above all: none was offered, as its messages have no bound before they are unpacked.
    header('sec-websocket-extensions') === '' &&
    (protocol === '' || offered.includes(protocol))
  return isOpen ? protocol : undefined
}

class Client implements WebSocketClient {
  readonly protocol: string
  readonly #socket: Socket
  readonly #rest: Buffer
  #reader: FrameReader | undefined
  #handlers: ClientHandlers | undefined
  #isClosing = false

  constructor(socket: Socket, protocol: string, rest: Buffer) {
    this.#socket = socket
    this.protocol = protocol
    this.#rest = rest
  }

  get heldBytes(): number {
    return (this.#reader?.heldBytes ?? 0) + this.waitingBytes
  }

  get waitingBytes(): number {
    return this.#socket.writableLength
  }

  start(handlers: ClientHandlers): void {
    const socket = this.#socket
    const pings = new PingLimit()
    this.#handlers = handlers
    this.#reader = new FrameReader(limits.proxyMessageBytesMax, {
      message: (data) => {
        if (!this.#isClosing) handlers.message(data)
      },
      ping: (payload) => {
        if (pings.isMet()) this.#closed(closeCodes.abnormal, '')
        else if (this.waitingBytes <= pongBytesMax) socket.write(clientFrame(opcodes.pong, payload))
      },
      close: (code = closeCodes.normal, reason) => this.#closed(codeToSend(code), reason),
    })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('drain', () => handlers.moved())
    const ended = () => {
      this.#reader = undefined
      this.#closed(closeCodes.abnormal, '')
      handlers.ended()
    }
    socket.on('close', ended)
    this.#read(this.#rest)
    if (socket.destroyed) ended()
    else socket.resume()
  }

  send(message: string | Buffer): void {
    if (this.#isClosing) return
    const isText = typeof message === 'string'
    this.#socket.write(
      clientFrame(isText ? opcodes.text : opcodes.binary, isText ? Buffer.from(message) : message),
    )
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return
    this.#isClosing = true
    const socket = this.#socket
    if (code === closeCodes.abnormal) return void socket.destroy()
    socket.end(clientCloseFrame(code, reason))
    // Who is not read from does not hear that the other side has gone.
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), closeMilliseconds)
    socket.on('close', () => clearTimeout(timer))
  }

  destroy(): void {
    this.#isClosing = true
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    if (this.#isClosing || !this.#reader) return
    try {
      this.#reader.push(chunk)
      this.#handlers!.moved()
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#closed(error.closeCode, '')
    }
  }

  /** No message is read any more, whatever comes. */
  #closed(code: number, reason: string): void {
    if (this.#isClosing) return
    this.close(code, '')
    this.#reader = undefined
    this.#handlers!.closing(code, reason)
  }
}
