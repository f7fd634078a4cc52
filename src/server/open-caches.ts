import type { Caches } from '../build/caches/caches.ts'
import type { State } from './state.ts'

/** What builds keep for the next ones. */
export async function openDiskCaches({
  config,
  directory,
  log,
}: Pick<State, 'config' | 'directory' | 'log'>): Promise<Caches> {
  const { openCaches } = await import('../build/caches/caches.ts')
  return openCaches({
    folder: directory.caches,
    bytesMax: config.cachesGiB * 1024 ** 3,
    eachBytesMax: config.cacheGiB * 1024 ** 3,
    now: Date.now,
    log,
  })
}
