import { Readable } from 'node:stream'

import { RandomAccessReader } from 'yauzl'

const readAheadBytes = 1024 * 1024

/** Lets yauzl read a blob, in few large pieces: one piece is kept, and small reads within it cost no system call. */
export class BlobReader extends RandomAccessReader {
  /** Why the blob could not be read, if so: our disk's failure and not the archive's. */
  failure: unknown
  readonly #blob: Blob
  #piece = new Uint8Array()
  #pieceStart = 0

  constructor(blob: Blob) {
    super()
    this.#blob = blob
  }

  /** Reads the bytes from `start` to `end`, or to the end of the blob; later reads within them are served from memory. */
  async load(start: number, end: number): Promise<void> {
    try {
      this.#piece = new Uint8Array(await this.#blob.slice(start, end).arrayBuffer())
      this.#pieceStart = start
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  /** Bytes of the piece loaded last, without a copy. They stay as they are when another piece is loaded. */
  slice(start: number, end: number): Uint8Array {
    if (!this.#holds(start, end - start)) throw new Error('unexpected EOF')
    return this.#piece.subarray(start - this.#pieceStart, end - this.#pieceStart)
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    if (this.#holds(position, length)) return callback(null, this.#copy(buffer, offset, length, position))
    this.load(position, Math.min(this.#blob.size, position + Math.max(length, readAheadBytes))).then(
      () => callback(null, this.#copy(buffer, offset, length, position)),
      callback,
    )
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#chunks(start, end), { objectMode: false })
  }

  async *#chunks(start: number, end: number): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const chunk of this.#blob.slice(start, end).stream()) yield chunk
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  #holds(position: number, length: number): boolean {
    return position >= this.#pieceStart && position + length <= this.#pieceStart + this.#piece.byteLength
  }

  #copy(buffer: Buffer, offset: number, length: number, position: number): number {
    const start = position - this.#pieceStart
    const bytes = this.#piece.subarray(start, start + length)
    buffer.set(bytes, offset)
    return bytes.byteLength
  }
}
