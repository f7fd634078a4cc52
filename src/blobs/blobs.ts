/** Bytes named by their SHA-256. A blob never changes; putting the same bytes twice keeps one copy. */
export interface Blobs {
  /**
   * Stores what `source` yields. When the promise resolves the bytes are durable.
   * @param options.bytesMax refuses longer content with {@link BlobTooLarge}; nothing is kept
   */
  put(source: BlobSource, options?: { bytesMax?: number }): Promise<StoredBlob>

  has(sha: string): Promise<boolean>

  /** Size in bytes; undefined when there is no such blob. */
  size(sha: string): Promise<number | undefined>

  /**
   * The bytes as something that can be sliced, streamed or read, without reading them yet.
   * The caller knows from a manifest or a row that the blob exists.
   */
  open(sha: string): Blob

  /** Every blob with its size and the time it was last put, for the sweep and for `preamp doctor`. */
  list(): AsyncIterable<{ sha: string; size: number; putAt: number }>

  /** Reads the blob and compares its hash with its name. */
  verify(sha: string): Promise<'ok' | 'missing' | 'corrupt'>

  delete(sha: string): Promise<void>
}

/** A file is taken by its path, so that an implementation may copy it without moving its bytes through JavaScript. */
export type BlobSource = Uint8Array | string | ReadableStream<Uint8Array> | { path: string }

export interface StoredBlob {
  sha: string
  size: number
}

export class BlobTooLarge extends Error {
  readonly bytesMax: number

  constructor(bytesMax: number) {
    super(`The content is longer than ${bytesMax} bytes`)
    this.bytesMax = bytesMax
  }
}
