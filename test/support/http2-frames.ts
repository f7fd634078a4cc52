import { connect, type Socket } from 'node:net'

/** Frames of HTTP/2 as nobody should send them (RFC 9113 §6), and a connection that sends them as they are. */

export const frameTypes = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
}
export const flags = { endStream: 1, endHeaders: 4 }

export function frame(
  type: number,
  flag: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flag
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export type Field = readonly [name: string, value: string]

/** Header fields without Huffman's code (RFC 7541 §6.2). @param indexed whether the other side is to remember them */
export function fields(list: readonly Field[], indexed = false): Buffer {
  return Buffer.concat(
    list.map(([name, value]) => Buffer.concat([Buffer.from([indexed ? 0x40 : 0]), text(name), text(value)])),
  )
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  const length: number[] = []
  let left = bytes.length - 127
  if (left < 0) length.push(bytes.length)
  else {
    length.push(127)
    for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128)
    length.push(left)
  }
  return Buffer.concat([Buffer.from(length), bytes])
}

export interface ReceivedFrame {
  type: number
  stream: number
  flags: number
  payload: Buffer
}

export interface Http2Connection {
  received: ReceivedFrame[]
  isClosed(): boolean
  /** Resolves when the bytes are taken, or the connection is closed. */
  send(bytes: Uint8Array): Promise<void>
  /** Resolves when a frame that fits has come, or the connection is closed. */
  until(fits: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame | undefined>
  end(): void
}

/** Opens a connection with the preface and empty settings, without TLS. */
export async function openHttp2(port: number): Promise<Http2Connection> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect(port, '127.0.0.1', () => resolve(opening))
    opening.once('error', reject)
  })
  const received: ReceivedFrame[] = []
  let changed = Promise.withResolvers<void>()
  let isClosed = false
  const closed = Promise.withResolvers<void>()
  let rest = Buffer.alloc(0)
  const wake = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    closed.resolve()
    wake()
  })
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3)
      received.push({
        type: rest[3]!,
        flags: rest[4]!,
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(9, end),
      })
      rest = rest.subarray(end)
    }
    wake()
  })
  const connection: Http2Connection = {
    received,
    isClosed: () => isClosed,
    async send(bytes) {
      if (isClosed) return
      const taken = new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
      await Promise.race([taken, closed.promise])
    },
    async until(fits) {
      for (;;) {
        const found = received.find(fits)
        if (found || isClosed) return found
        await changed.promise
      }
    },
    end: () => socket.destroy(),
  }
  await connection.send(
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(frameTypes.settings, 0, 0)]),
  )
  return connection
}
