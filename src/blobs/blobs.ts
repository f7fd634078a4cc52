/** Bytes named by their SHA-256. A blob never changes; putting the same bytes twice keeps one copy. */
export interface Blobs {
  /**
   * Stores what `source` yields. When the promise resolves the bytes are durable.
   * @throws {BlobTooLarge} for content longer than `bytesMax`, of which nothing is kept
   */
  put(source: BlobSource, options?: PutOptions): Promise<StoredBlob>

  /**
   * Stores many blobs that become durable together, which costs far less than one by one. What `work` puts is there, and
   * durable, when the promise resolves, and not before: nothing may refer to it or read it earlier.
   * When `work` throws nothing that was new is kept.
   */
  batch<T>(work: (put: Blobs['put']) => Promise<T>): Promise<T>

  has(sha: string): Promise<boolean>

  /** Size in bytes; undefined when there is no such blob. */
  size(sha: string): Promise<number | undefined>

  /**
   * Counts as a put of bytes that are there already: the sweep leaves them alone for another grace period. To be called
   * before a row is made to refer to a blob that the caller did not put. False when there is no such blob.
   */
  touch(sha: string): Promise<boolean>

  /**
   * The bytes as something that can be sliced, streamed or read, without reading them yet.
   * The caller knows from a manifest or a row that the blob exists.
   */
  open(sha: string): Blob

  /** Every blob with its size and the time it was last put, for the sweep and for `preamp doctor`. */
  list(): AsyncIterable<ListedBlob>

  /** Reads the blob and compares its hash with its name. */
  verify(sha: string): Promise<'ok' | 'missing' | 'corrupt'>

  /**
   * Deletes the blob; false when it was not there, or was put or touched at or after `putBefore` (epoch milliseconds).
   * A put or touch at the same time either keeps the blob or finds it gone: never neither.
   */
  delete(sha: string, options?: { putBefore?: number }): Promise<boolean>
}

/** A file is taken by its path, so that an implementation may read it as suits it. */
export type BlobSource = Uint8Array | string | ReadableStream<Uint8Array> | { path: string }

export interface PutOptions {
  bytesMax?: number
}

export interface StoredBlob {
  sha: string
  size: number
}

export interface ListedBlob extends StoredBlob {
  /** Epoch milliseconds. */
  putAt: number
}

export class BlobTooLarge extends Error {
  readonly bytesMax: number

  constructor(bytesMax: number) {
    super(`The content is longer than ${bytesMax} bytes`)
    this.bytesMax = bytesMax
  }
}
