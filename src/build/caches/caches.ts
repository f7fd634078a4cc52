import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import type { Logger } from 'pino'

import { type Mirrors, openMirrors } from '../../git/mirrors.ts'
import { findBranchById } from '../../store/branches.ts'
import type { Queries } from '../../store/database.ts'
import { type BuildCaches, openBuildCaches } from './build-caches.ts'
import { makeRoom } from './cache-room.ts'

/** All that is kept on this machine to make the next build faster. Each of it can be lost at any time. */
export interface Caches {
  builds: BuildCaches
  mirrors: Mirrors
  /** Drops what was used longest ago where all together are too much, or the disk is short. */
  makeRoom(): Promise<void>
  /** Drops what belonged to branches that are deleted. */
  forgetDeleted(queries: Queries): Promise<void>
}

export interface CachesOptions {
  /** On the file system of the jobs' folders. */
  folder: string
  /** Of all together. */
  bytesMax: number
  /** Of one branch's cache, and of one repository's mirror. */
  eachBytesMax: number
  now(): number
  log: Logger
}

export function openCaches({ folder, bytesMax, eachBytesMax, now, log }: CachesOptions): Caches {
  const [buildsFolder, mirrorsFolder] = [join(folder, 'builds'), join(folder, 'git')]
  for (const path of [buildsFolder, mirrorsFolder]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const builds = openBuildCaches({ folder: buildsFolder, bytesMax: eachBytesMax, log })
  const mirrors = openMirrors({ folder: mirrorsFolder, bytesMax: eachBytesMax })
  let making: Promise<void> | undefined
  return {
    builds,
    mirrors,
    makeRoom() {
      making ??= makeRoom([builds, mirrors], { folder, bytesMax, now: now() })
        .catch((error: unknown) => log.error({ err: error }, 'old caches cannot be dropped'))
        .finally(() => {
          making = undefined
        })
      return making
    },
    async forgetDeleted(queries) {
      for (const { name } of await builds.list()) {
        if (!(await findBranchById(queries, name))) await builds.drop(name)
      }
    },
  }
}
