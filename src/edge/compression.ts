import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

import type { Encoding } from './accept-encoding.ts'

const brotliAsync = promisify(brotliCompress)
const gzipAsync = promisify(gzip)

/** Levels at which a first visitor can wait: near the smallest size at a tenth of its cost. */
const brotliQuality = 5
const gzipLevel = 6

/** Compresses on a thread of its own, so that other requests are answered meanwhile. */
export async function compress(
  bytes: Uint8Array<ArrayBuffer>,
  encoding: Encoding,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed =
    encoding === 'gzip'
      ? await gzipAsync(bytes, { level: gzipLevel })
      : await brotliAsync(bytes, {
          params: {
            [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
            [constants.BROTLI_PARAM_QUALITY]: brotliQuality,
            [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
          },
        })
  return new Uint8Array(packed)
}
