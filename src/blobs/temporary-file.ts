import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { type BlobSource, BlobTooLarge, type StoredBlob } from './blobs.ts'

const copyBufferBytes = 1024 * 1024

export interface TemporaryFile extends StoredBlob {
  path: string
}

/** Writes the source to a new file in `folder` and hashes what it writes. The file is not synced. */
export async function writeTemporaryFile(
  folder: string,
  source: Exclude<BlobSource, string>,
  bytesMax: number,
): Promise<TemporaryFile> {
  const path = join(folder, randomUUID())
  const file = await open(path, 'wx', 0o600)
  try {
    const hasher = new Bun.CryptoHasher('sha256')
    let size = 0
    for await (const chunk of chunksOf(source)) {
      size += chunk.byteLength
      if (size > bytesMax) throw new BlobTooLarge(bytesMax)
      hasher.update(chunk)
      await writeAll(file, chunk)
    }
    await file.close()
    return { path, sha: hasher.digest('hex'), size }
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
}

/** Each chunk is done with before the next is asked for. */
async function* chunksOf(source: Exclude<BlobSource, string>): AsyncIterable<Uint8Array> {
  if (source instanceof Uint8Array) yield source
  else if ('path' in source) yield* chunksOfFile(source.path)
  else for await (const chunk of source) yield chunk
}

/** One buffer for the whole file, whatever its size. What a build can still write to is never linked, always copied. */
async function* chunksOfFile(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const buffer = new Uint8Array(Math.min(Math.max(size, 4096), copyBufferBytes))
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, null)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.byteLength;) {
    written += (await file.write(bytes, written)).bytesWritten
  }
}
