import { randomBytes } from 'node:crypto'

/** Frames of WebSockets as a client reads and writes them (RFC 6455 §5), without extensions. */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** RFC 6455 §7.4.1, and 1013 of IANA's registry. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  abnormal: 1006,
  invalidText: 1007,
  tooBig: 1009,
  tryAgainLater: 1013,
} as const

/** Codes that only an end itself may report, not send, become the plain one (§7.4). */
export function codeToSend(code: number): number {
  const isSent = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
  return isSent || (code >= 3000 && code < 5000) ? code : closeCodes.normal
}

/** What the other end sends is no WebSocket, or more than is taken. */
export class FrameError extends Error {
  readonly closeCode: number

  constructor(closeCode: number) {
    super(`WebSocket closed with ${closeCode}`)
    this.closeCode = closeCode
  }
}

export interface FrameHandlers {
  message(data: string | Buffer): void
  ping(payload: Buffer): void
  /** @param code undefined where the other end names none */
  close(code: number | undefined, reason: string): void
}

interface Frame {
  opcode: number
  isFinal: boolean
  /** Bytes that have not come yet. */
  left: number
}

const controlBytesMax = 125
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Makes messages of bytes as they come. It keeps no more of them than the longest message may have. */
export class FrameReader {
  readonly #messageBytesMax: number
  readonly #handlers: FrameHandlers
  readonly #head = Buffer.alloc(10)
  #headLength = 0
  #frame: Frame | undefined
  readonly #message = new GrowingBytes()
  readonly #control = new GrowingBytes()
  /** Of the message whose frames are coming; undefined between two. */
  #kind: number | undefined
  #isOver = false

  constructor(messageBytesMax: number, handlers: FrameHandlers) {
    this.#messageBytesMax = messageBytesMax
    this.#handlers = handlers
  }

  /** Of a message that is not complete. */
  get heldBytes(): number {
    return this.#message.capacity
  }

  /** @throws {FrameError} */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && !this.#isOver) {
      if (!this.#frame) {
        this.#head[this.#headLength++] = chunk[at++]!
        if (this.#headLength < headLengthOf(this.#head, this.#headLength)) continue
        this.#frame = this.#begin()
        this.#headLength = 0
      }
      const frame = this.#frame
      const part = chunk.subarray(at, at + frame.left)
      this.#bytesOf(frame).add(part)
      at += part.length
      frame.left -= part.length
      if (frame.left > 0) continue
      this.#frame = undefined
      this.#end(frame)
    }
  }

  #bytesOf({ opcode }: Frame): GrowingBytes {
    return opcode >= opcodes.close ? this.#control : this.#message
  }

  #begin(): Frame {
    const [first, second] = this.#head as unknown as [number, number]
    const isFinal = (first & 0x80) !== 0
    const opcode = first & 0x0f
    // Reserved bits belong to extensions, and what a server sends is not masked.
    if ((first & 0x70) !== 0 || second >= 0x80) throw new FrameError(closeCodes.protocolError)
    const left = lengthIn(this.#head, second)
    if (opcode >= opcodes.close) {
      const isKnown = opcode <= opcodes.pong
      if (!isKnown || !isFinal || left > controlBytesMax) throw new FrameError(closeCodes.protocolError)
      return { opcode, isFinal, left }
    }
    const continues = opcode === opcodes.continuation
    if (opcode > opcodes.binary || continues !== (this.#kind !== undefined)) {
      throw new FrameError(closeCodes.protocolError)
    }
    if (this.#message.length + left > this.#messageBytesMax) throw new FrameError(closeCodes.tooBig)
    if (!continues) this.#kind = opcode
    return { opcode, isFinal, left }
  }

  #end({ opcode, isFinal }: Frame): void {
    if (opcode >= opcodes.close) return this.#endControl(opcode)
    if (!isFinal) return
    const bytes = this.#message.take()
    const isText = this.#kind === opcodes.text
    this.#kind = undefined
    this.#handlers.message(isText ? decode(bytes) : bytes)
  }

  #endControl(opcode: number): void {
    const payload = this.#control.take()
    if (opcode === opcodes.ping) return this.#handlers.ping(payload)
    if (opcode !== opcodes.close) return
    this.#isOver = true
    if (payload.length === 1) throw new FrameError(closeCodes.protocolError)
    const code = payload.length === 0 ? undefined : payload.readUInt16BE(0)
    this.#handlers.close(code, decode(payload.subarray(2)))
  }
}

/** One piece, however small those are in which it comes: a list of them could be a hundred times as large. */
class GrowingBytes {
  #bytes = Buffer.alloc(0)
  length = 0

  get capacity(): number {
    return this.#bytes.length
  }

  add(part: Buffer): void {
    const length = this.length + part.length
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(length, Math.min(this.length * 2, this.length + growthBytesMax)),
      )
      this.#bytes.copy(grown, 0, 0, this.length)
      this.#bytes = grown
    }
    part.copy(this.#bytes, this.length)
    this.length = length
  }

  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length)
    this.#bytes = Buffer.alloc(0)
    this.length = 0
    return taken
  }
}

const growthBytesMax = 4 * 1024 * 1024

/** As far as it can be told from what there is of the head. */
function headLengthOf(head: Buffer, length: number): number {
  if (length < 2) return 2
  const short = head[1]! & 0x7f
  return short === 127 ? 10 : short === 126 ? 4 : 2
}

function lengthIn(head: Buffer, short: number): number {
  if (short < 126) return short
  return short === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2))
}

/** @throws {FrameError} */
function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new FrameError(closeCodes.invalidText)
  }
}

/** A frame as clients send it: whole, and masked (§5.3). */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + 4 + length)
  frame[0] = 0x80 | opcode
  frame[1] = 0x80 | (head === 2 ? length : head === 4 ? 126 : 127)
  if (head === 4) frame.writeUInt16BE(length, 2)
  if (head === 10) frame.writeBigUInt64BE(BigInt(length), 2)
  const mask = randomBytes(4)
  mask.copy(frame, head)
  const start = head + 4
  for (let index = 0; index < length; index++) frame[start + index] = payload[index]! ^ mask[index & 3]!
  return frame
}

export function clientCloseFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  // A reason may have 123 bytes; cut within a character it would be no text.
  const text = Buffer.from(reason)
  return clientFrame(
    opcodes.close,
    Buffer.concat(text.length > controlBytesMax - 2 ? [payload] : [payload, text]),
  )
}
