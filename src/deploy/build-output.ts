import { Readable } from 'node:stream'

import { ZipFile } from 'yazl'

import type { Blobs } from '../blobs/blobs.ts'
import type { Manifest } from '../model/manifest.ts'
import { byteStream } from './byte-stream.ts'

/**
 * A deployment as a zip, made while it is read: what `artifacts.zip` of step BUILD is. The same manifest and time give the
 * same bytes.
 * @param modifiedAt epoch milliseconds, the time that every file in the zip bears
 */
export function writeBuildOutputZip(
  blobs: Blobs,
  manifest: Manifest,
  modifiedAt: number,
): ReadableStream<Uint8Array> {
  const zip = new ZipFile()
  const mtime = new Date(modifiedAt)
  for (const [path, { sha, size }] of Object.entries(manifest.files)) {
    zip.addReadStreamLazy(path, { mtime, mode: 0o100644, size, compress: size > 0 }, (callback) => {
      callback(null, Readable.from(blobs.open(sha).stream(), { objectMode: false }))
    })
  }
  zip.end()
  return byteStream(outputOf(zip))
}

async function* outputOf(zip: ZipFile): AsyncGenerator<Uint8Array, void> {
  const output = zip.outputStream as Readable
  // A blob that cannot be read is reported on the zip alone, and must end what is being read.
  zip.once('error', (error: Error) => output.destroy(error))
  for await (const chunk of output as AsyncIterable<Uint8Array>) yield chunk
}
