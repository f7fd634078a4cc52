/** Bytes in memory up to a bound; what was used least lately goes first. */
export interface ByteCache {
  get(key: string): Blob | undefined
  /** Whether {@link set} would keep them: bytes longer than a quarter of the cache would push out everything else. */
  fits(bytes: Blob): boolean
  set(key: string, bytes: Blob): void
}

/** What an entry costs besides its bytes, roughly. */
const entryBytes = 256

export function createByteCache(bytesMax: number): ByteCache {
  /** Those that were used since the last turn, and those of the turn before. */
  let recent = new Map<string, Blob>()
  let older = new Map<string, Blob>()
  let recentBytes = 0

  function keep(key: string, bytes: Blob): void {
    recent.set(key, bytes)
    recentBytes += bytes.size + entryBytes
    if (recentBytes <= bytesMax / 2) return
    // Two halves that change places need no bookkeeping when an entry is read, which is what happens all the time.
    older = recent
    recent = new Map()
    recentBytes = 0
  }

  const fits = (bytes: Blob) => bytes.size <= bytesMax / 4

  return {
    get(key) {
      const bytes = recent.get(key)
      if (bytes) return bytes
      const old = older.get(key)
      if (old) {
        older.delete(key)
        keep(key, old)
      }
      return old
    },
    fits,
    set(key, bytes) {
      if (!fits(bytes) || recent.has(key)) return
      older.delete(key)
      keep(key, bytes)
    },
  }
}
