import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import type { ManifestFile } from '../model/manifest.ts'
import type { Encoding } from './accept-encoding.ts'
import { createByteCache } from './byte-cache.ts'
import { compress } from './compression.ts'

/** Bytes of files, read into memory once: the same Blob each time, as long as it is kept. */
export interface FileBytes {
  /** At once when they are in memory. Undefined for a file that is too long for it: stream it. */
  identity(file: ManifestFile): Blob | undefined | Promise<Blob>
  /**
   * At once when they are in memory. `not-packed` when the file does not get smaller, or is a long one whose compression
   * is still under way: send it as it is.
   */
  encoded(
    file: ManifestFile,
    encoding: Encoding,
    key: string,
  ): Blob | 'not-packed' | Promise<Blob | 'not-packed'>
}

/** Stands in memory for a compression that gained nothing, so that it is not tried again. */
const notWorthIt = new Blob([])

export function createFileBytes(options: { blobs: Blobs; memoryBytes: number; log: Logger }): FileBytes {
  const { blobs, memoryBytes, log } = options
  const cache = createByteCache(memoryBytes)
  /** Reads and compressions under way: whoever else wants the same bytes waits for them. */
  const underWay = new Map<string, Promise<Blob>>()
  let compressing = 0

  function once(key: string, make: () => Promise<Blob>): Promise<Blob> {
    let promise = underWay.get(key)
    if (!promise) {
      promise = make().finally(() => underWay.delete(key))
      underWay.set(key, promise)
    }
    return promise
  }

  async function read({ sha, size }: ManifestFile): Promise<Blob> {
    const bytes = await blobs.open(sha).bytes()
    if (bytes.byteLength !== size) {
      throw new Error(`The blob ${sha} has ${bytes.byteLength} bytes, its manifest says ${size}`)
    }
    const inMemory = new Blob([bytes])
    if (size <= limits.edgeCachedFileBytesMax) cache.set(sha, inMemory)
    return inMemory
  }

  async function pack(file: ManifestFile, encoding: Encoding, key: string): Promise<Blob> {
    const bytes = cache.get(file.sha) ?? (await once(file.sha, () => read(file)))
    const packed = new Blob([await compress(await bytes.bytes(), encoding)])
    const result = packed.size < bytes.size ? packed : notWorthIt
    // What does not fit into the memory would be compressed again for every visitor.
    if (cache.fits(result)) {
      cache.set(key, result)
      return result
    }
    cache.set(key, notWorthIt)
    return notWorthIt
  }

  return {
    identity(file) {
      if (file.size > limits.edgeCachedFileBytesMax) return undefined
      return cache.get(file.sha) ?? once(file.sha, () => read(file))
    },

    encoded(file, encoding, key) {
      const known = cache.get(key)
      if (known) return known === notWorthIt ? 'not-packed' : known
      if (file.size <= limits.compressedWhileWaitingBytesMax) {
        return once(key, () => pack(file, encoding, key)).then((bytes) =>
          bytes === notWorthIt ? 'not-packed' : bytes,
        )
      }
      if (!underWay.has(key) && compressing < limits.compressionsAtOnceMax) {
        compressing += 1
        once(key, () => pack(file, encoding, key))
          .catch((error: unknown) =>
            log.error({ err: error, sha: file.sha }, 'a file could not be compressed'),
          )
          .finally(() => (compressing -= 1))
      }
      return 'not-packed'
    },
  }
}
