import { createHash } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** A server of WebSockets that sends whatever bytes it is told to, and one visitor who reads when told to. */
export interface RawWebSocketServer {
  port: number
  /** Heads of the requests, in lower case. */
  heads: string[]
  /** Connections that stand, oldest first. */
  sockets: Socket[]
  /** Lines of the answers from now on, beside those that open a WebSocket. */
  answerWith(lines: string[]): void
  stop(): Promise<void>
}

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export async function startRawWebSocketServer(tls?: {
  cert: Buffer
  key: Buffer
}): Promise<RawWebSocketServer> {
  const heads: string[] = []
  const sockets: Socket[] = []
  let more: string[] = []
  const take = (socket: Socket) => {
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.splice(sockets.indexOf(socket) >>> 0, 1))
    socket.once('data', (bytes: Buffer) => {
      const head = bytes.toString('latin1')
      heads.push(head.toLowerCase())
      const key = /^sec-websocket-key: (\S+)/im.exec(head)![1]!
      const accept = createHash('sha1')
        .update(key + magic)
        .digest('base64')
      const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, ...more]
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
      sockets.push(socket)
    })
  }
  const server = tls ? createTlsServer(tls, take) : createServer(take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    heads,
    sockets,
    answerWith: (lines) => (more = lines),
    stop() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => void server.close(() => resolve()))
    },
  }
}

/** A frame as servers send it. @param first its first byte: whether it is the last one, what is reserved, what it is */
export function serverFrame(first: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = first
  head[1] = head.length === 2 ? length : head.length === 4 ? 126 : 127
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

/** A visitor's side, with bytes as they come. Nothing is read before `resume`. */
export function openRawVisitor({
  port,
  host,
  path,
  localAddress = '127.0.0.1',
}: {
  port: number
  host: string
  path: string
  localAddress?: string
}): Promise<{ status: number; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    socket.on('error', reject)
    socket.write(
      [
        `GET ${path} HTTP/1.1`,
        `Host: ${host}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Extensions: permessage-deflate',
        '\r\n',
      ].join('\r\n'),
    )
    socket.once('data', (bytes: Buffer) => {
      socket.pause()
      resolve({ status: Number(bytes.toString('latin1').split(' ')[1]), socket })
    })
  })
}
