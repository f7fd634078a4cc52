import { diskShortage } from '../../deploy/disk-shortage.ts'
import { limits } from '../../model/limits.ts'

/** Something that is kept to save time, and can be dropped at any time. */
export interface StoredCache {
  name: string
  bytes: number
  /** Epoch milliseconds of the last use. */
  usedAt: number
}

export interface CacheShelf {
  list(): Promise<StoredCache[]>
  /** Removes one, when whoever uses it just then has done so. */
  drop(name: string): Promise<void>
}

export interface RoomOptions {
  /** On the disk whose room is short. */
  folder: string
  bytesMax: number
  now: number
}

/**
 * Drops what was used longest ago until all together fit into their bytes and the disk has room; and what was not used for a
 * long time, as what it belongs to may be gone.
 */
export async function makeRoom(shelves: CacheShelf[], options: RoomOptions): Promise<void> {
  const unusedSince = options.now - limits.cacheUnusedDaysMax * 24 * 3600 * 1000
  const lists = await Promise.all(
    shelves.map(async (shelf) => (await shelf.list()).map((cache) => ({ shelf, ...cache }))),
  )
  const caches = lists.flat().toSorted((a, b) => a.usedAt - b.usedAt)
  let bytes = caches.reduce((sum, cache) => sum + cache.bytes, 0)
  for (const { shelf, name, usedAt, ...cache } of caches) {
    if (usedAt >= unusedSince && bytes <= options.bytesMax && !(await isDiskShort(options.folder))) return
    await shelf.drop(name)
    bytes -= cache.bytes
  }
}

async function isDiskShort(folder: string): Promise<boolean> {
  const { cacheDiskFreeBytesMin, cacheDiskFreeFilesMin } = limits
  return (await diskShortage(folder, cacheDiskFreeBytesMin, cacheDiskFreeFilesMin)) !== undefined
}
