import { createHash } from 'node:crypto'

import { type Blobs, BlobTooLarge } from '../../src/blobs/blobs.ts'

/** Blobs in memory, for tests of what is stored and not of how. `stored` may be looked into. */
export function memoryBlobs(): Blobs & { stored: Map<string, Uint8Array<ArrayBuffer>> } {
  const stored = new Map<string, Uint8Array<ArrayBuffer>>()
  const put: Blobs['put'] = async (source, { bytesMax = Infinity } = {}) => {
    const isPath = typeof source === 'object' && 'path' in source
    const content = isPath
      ? Bun.file(source.path).stream()
      : source instanceof Uint8Array
        ? source.slice()
        : source
    const bytes = new Uint8Array(await new Response(content).arrayBuffer())
    if (bytes.byteLength > bytesMax) throw new BlobTooLarge(bytesMax)
    const sha = createHash('sha256').update(bytes).digest('hex')
    stored.set(sha, bytes)
    return { sha, size: bytes.byteLength }
  }
  return {
    stored,
    put,
    batch: (work) => work(put),
    touch: async (sha) => stored.has(sha),
    has: async (sha) => stored.has(sha),
    size: async (sha) => stored.get(sha)?.byteLength,
    open: (sha) => new Blob([stored.get(sha)!]),
    async *list() {
      for (const [sha, bytes] of stored) yield { sha, size: bytes.byteLength, putAt: 0 }
    },
    verify: async (sha) => (stored.has(sha) ? 'ok' : 'missing'),
    delete: async (sha) => stored.delete(sha),
  }
}
