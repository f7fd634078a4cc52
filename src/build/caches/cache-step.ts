import type { BuildLog } from '../build-log.ts'
import type { BuildCaches, CachedBuild } from './build-caches.ts'
import { readCachePaths } from './cache-paths.ts'

/** A build's use of its branch's cache, told to its log in Amplify's words (contract/hosting-behaviour.md §1.10, §1.11). */
export interface CacheStep {
  /** Before anything of the repository runs, which could change folders while they are moved. */
  restore(): Promise<void>
  /**
   * When the commands have succeeded and no process of them is left, before the artifacts are looked at: they need not be
   * there. What is cached stays in its place until the job ends, since it may be published too.
   */
  save(): Promise<void>
}

/**
 * @param globs `cache.paths` of the build spec; undefined where it has none: then nothing is read either
 * @param from the branch whose cache is read
 */
export function cacheStep(
  caches: BuildCaches,
  build: CachedBuild,
  globs: readonly string[] | undefined,
  { from, log }: { from: string; log: BuildLog },
): CacheStep {
  if (globs === undefined) return { restore: async () => undefined, save: async () => undefined }
  const paths = readCachePaths(globs)
  return {
    async restore() {
      for (const glob of paths.outside) {
        log.write(
          'WARNING',
          `# ${glob} of cache.paths is not cached: it lies outside of the folder that is built.`,
        )
      }
      log.write('INFO', '# Retrieving cache...')
      if (!(await caches.restore(build, from))) return log.write('INFO', '# There is no cache yet')
      log.write('INFO', '# Extracting cache...')
      log.write('INFO', '# Extraction completed')
      log.write('INFO', '# Retrieved cache')
    },
    async save() {
      log.write('INFO', '# Starting caching...')
      log.write('INFO', '# Creating cache artifact...')
      const problem = await caches.keep(build, paths)
      if (problem !== undefined) return log.write('WARNING', `! Unable to write cache: ${problem}`)
      log.write('INFO', '# Created cache artifact')
      log.write('INFO', '# Caching completed')
    },
  }
}
