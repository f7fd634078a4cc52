import { existsSync, mkdirSync, rmSync, statSync, unlinkSync, utimesSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { forEachConcurrently } from '../model/concurrently.ts'
import { hasCode } from '../model/error-code.ts'
import { type Blobs, BlobTooLarge, type ListedBlob, type PutOptions, type StoredBlob } from './blobs.ts'
import { makeDurable } from './durable-files.ts'
import { hashOf, hashOfFile } from './hash.ts'
import { type TemporaryFile, writeTemporaryFile } from './temporary-file.ts'

const fileOperationsAtWork = 16

/**
 * Blobs as files named `ab/cdef…` below `folder`. A file gets its name when its bytes are durable, so whatever has a name
 * is whole. The time of a file's last change is when it was last put.
 * @param options.readonly for processes that only serve: nothing is cleaned, and nothing can be put. Otherwise the caller
 * is the only process that puts and deletes, which the lock of the data directory sees to.
 */
export async function openDiskBlobs(folder: string, options: { readonly?: boolean } = {}): Promise<Blobs> {
  const temporary = join(folder, 'tmp')
  if (!options.readonly) await makeFolders(folder, temporary)

  const pathOf = (sha: string) => {
    if (!/^[0-9a-f]{64}$/.test(sha)) throw new Error(`${JSON.stringify(sha)} is not the SHA-256 of a blob`)
    return join(folder, sha.slice(0, 2), sha.slice(2))
  }

  function assertWritable(): void {
    if (options.readonly) throw new Error('These blobs were opened to be read only')
  }

  async function batch<T>(work: (put: Blobs['put']) => Promise<T>): Promise<T> {
    assertWritable()
    const batched: Batch = { written: new Map(), folders: new Set() }
    try {
      const result = await work((source, putOptions) => putInBatch(batched, source, putOptions))
      await settle(batched)
      return result
    } finally {
      await forEachConcurrently(batched.written.values(), fileOperationsAtWork, ({ path }) =>
        rm(path, { force: true }),
      )
    }
  }

  async function putInBatch(
    { written, folders }: Batch,
    source: Parameters<Blobs['put']>[0],
    { bytesMax = Infinity }: PutOptions = {},
  ): Promise<StoredBlob> {
    const bytes = typeof source === 'string' ? Buffer.from(source) : source
    if (bytes instanceof Uint8Array) {
      if (bytes.byteLength > bytesMax) throw new BlobTooLarge(bytesMax)
      // What is there already need not be written to find that out.
      const sha = hashOf(bytes)
      if (written.has(sha) || touchFile(pathOf(sha))) {
        folders.add(dirname(pathOf(sha)))
        return { sha, size: bytes.byteLength }
      }
    }
    const file = await writeTemporaryFile(temporary, bytes, bytesMax)
    const { sha, size, path } = file
    folders.add(dirname(pathOf(sha)))
    if (written.has(sha) || touchFile(pathOf(sha))) await rm(path)
    else written.set(sha, file)
    return { sha, size }
  }

  /** The order is what makes a named file whole: bytes, then names, each durable before what follows. */
  async function settle({ written, folders }: Batch): Promise<void> {
    if (written.size > 0) await makeDurable([...written.values()].map((file) => file.path))
    await forEachConcurrently(written, fileOperationsAtWork, ([sha, file]) => rename(file.path, pathOf(sha)))
    written.clear()
    // Those of blobs that were there too: whoever put them may not have come as far as syncing the name.
    if (folders.size > 0) await makeDurable([...folders])
  }

  return {
    put: (source, putOptions) => batch((put) => put(source, putOptions)),
    batch,
    has: async (sha) => existsSync(pathOf(sha)),
    size: async (sha) => statSync(pathOf(sha), { throwIfNoEntry: false })?.size,
    async touch(sha) {
      const path = pathOf(sha)
      assertWritable()
      return touchFile(path)
    },
    open: (sha) => Bun.file(pathOf(sha)),
    list: () => listBlobs(folder),

    async verify(sha) {
      const file = Bun.file(pathOf(sha))
      if (!(await file.exists())) return 'missing'
      return (await hashOfFile(file)) === sha ? 'ok' : 'corrupt'
    },

    async delete(sha, { putBefore = Infinity } = {}) {
      // Look and deletion in one turn of the event loop, as touchFile is one: none can come between.
      const path = pathOf(sha)
      assertWritable()
      const status = statSync(path, { throwIfNoEntry: false })
      if (status === undefined || status.mtimeMs >= putBefore) return false
      unlinkSync(path)
      return true
    },
  }
}

interface Batch {
  /** Files that have no name yet, by their hash. */
  written: Map<string, TemporaryFile>
  /** Folders whose names must be durable before the batch is. */
  folders: Set<string>
}

/** What a process that died left behind is removed. */
async function makeFolders(folder: string, temporary: string): Promise<void> {
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary, { recursive: true, mode: 0o700 })
  let made = false
  for (let byte = 0; byte < 256; byte++) {
    const prefix = join(folder, byte.toString(16).padStart(2, '0'))
    if (mkdirSync(prefix, { recursive: true, mode: 0o700 }) !== undefined) made = true
  }
  // A blob's name is durable when its folder is; the folders' own names must be too.
  if (made) await makeDurable([folder, dirname(folder)])
}

function touchFile(path: string): boolean {
  const now = new Date()
  try {
    utimesSync(path, now, now)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

async function* listBlobs(folder: string): AsyncGenerator<ListedBlob, void> {
  for (const prefix of await readdir(folder)) {
    if (!/^[0-9a-f]{2}$/.test(prefix)) continue
    for (const rest of await readdir(join(folder, prefix))) {
      if (!/^[0-9a-f]{62}$/.test(rest)) continue
      const status = await statIfThere(join(folder, prefix, rest))
      if (status) yield { sha: prefix + rest, size: status.size, putAt: status.mtimeMs }
    }
  }
}

async function statIfThere(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
