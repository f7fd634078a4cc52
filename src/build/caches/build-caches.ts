import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'

import type { Logger } from 'pino'

import { Turns } from '../../model/turns.ts'
import { removeWorkFolder } from '../work-folder.ts'
import { type CacheLease, readDescription, readLease, writeDescription, writeLease } from './cache-files.ts'
import type { CachePaths } from './cache-paths.ts'
import type { CacheShelf, StoredCache } from './cache-room.ts'
import { copyTree, diskBytesOf, mergeTree, moveTree, removeTree } from './move-tree.ts'
import { folderBelow, makePlaceBelow, placeBelow, statusOf } from './real-places.ts'
import { selectCached, TooManyEntries } from './select-cached.ts'

/** The build of a job, as caches see it. */
export interface CachedBuild {
  jobFolder: string
  branchId: string
  /** Folder of the clone, below the job's. */
  clone: string
  /** Below the clone: what `cache.paths` are relative to; empty for the clone itself. */
  buildPath: string
  /** Kind of executor. */
  executor: string
}

/**
 * What builds keep for the next build of their branch, on this machine. A cache is lent: its trees are moved into the job's
 * folder, and moved back when the job ends, so that neither costs anything however large they are.
 */
export interface BuildCaches extends CacheShelf {
  /**
   * Puts what a branch's cache holds where it was, below the build path. Call it when the session stands and before its first
   * command. What the checkout has at its place stays.
   * @param from the branch whose cache is read; another's is copied, as it may need it itself
   * @returns whether there was anything
   */
  restore(build: CachedBuild, from: string): Promise<boolean>

  /**
   * Notes what the next build is to find. Call it when the commands have succeeded and no process of them is left. The trees
   * stay in their places until {@link takeBack}.
   * @returns why nothing is kept, for the build's log; undefined where all is well
   */
  keep(build: CachedBuild, paths: CachePaths): Promise<string | undefined>

  /**
   * Moves into the branch's cache what {@link keep} noted, or else what {@link restore} lent. Call it before a job's folder is
   * removed, whatever became of the job; it goes on where a process before it was killed.
   * @param buildFailed a cache that was left by a failed build, and with which the next one fails too, is dropped
   */
  takeBack(jobFolder: string, buildFailed: boolean): Promise<void>
}

export interface BuildCachesOptions {
  /** Holds a folder for each branch; on the file system of the jobs' folders, as everything is copied otherwise. */
  folder: string
  /** Of one branch. */
  bytesMax: number
  log: Logger
}

export function openBuildCaches({ folder, bytesMax, log }: BuildCachesOptions): BuildCaches {
  const turns = new Turns()
  const folderOf = (branchId: string) => join(folder, branchId)

  /** A cache that cannot be used is no cache; the build goes on. */
  async function orDrop<T>(branchId: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      log.warn({ err: error, branchId }, 'the cache of a branch is dropped')
      await removeWorkFolder(folderOf(branchId))
      return undefined
    }
  }

  async function lend(build: CachedBuild, from: string): Promise<boolean> {
    const description = await readDescription(folderOf(from))
    if (!description || description.buildPath !== build.buildPath) return false
    if (description.madeBy !== (await makerOf(build))) return false
    const root = join(build.clone, build.buildPath)
    const own = from === build.branchId
    if (own) {
      await writeLease(build.jobFolder, { ...description, branchId: from, root, kept: false, excluded: [] })
    }
    let restored = false
    for (const [index, path] of description.paths.entries()) {
      const tree = join(folderOf(from), String(index))
      if (!(await statusOf(tree))) continue
      const place = await makePlaceBelow(build.jobFolder, join(root, path))
      if (place === undefined) continue
      if (own) await mergeTree(tree, place)
      else if (!(await statusOf(place))) await copyTree(tree, place)
      restored = true
    }
    return restored
  }

  async function note(build: CachedBuild, paths: CachePaths): Promise<string | undefined> {
    const root = join(build.clone, build.buildPath)
    const lease: CacheLease = {
      branchId: build.branchId,
      buildPath: build.buildPath,
      madeBy: await makerOf(build),
      root,
      paths: [],
      excluded: [],
      bytes: 0,
      unproven: false,
      kept: true,
    }
    const place = await folderBelow(build.jobFolder, root)
    const problem = place === undefined ? undefined : await measure(place, paths, lease)
    // Also without anything in it, as what was there before is no longer what this build would leave.
    await writeLease(build.jobFolder, problem === undefined ? lease : { ...lease, paths: [] })
    return problem
  }

  async function measure(place: string, paths: CachePaths, lease: CacheLease): Promise<string | undefined> {
    const { entries, excluded } = await selectCached(place, paths)
    const bytesOf = (names: string[]) => diskBytesOf(names.map((path) => join(place, path)))
    const bytes = (await bytesOf(entries)) - (await bytesOf(excluded))
    if (bytes > bytesMax) {
      return `File size must be less than ${gibibytes(bytesMax)}GB: the files of cache.paths have ${gibibytes(bytes)}GB`
    }
    Object.assign(lease, { paths: entries, excluded, bytes })
    return undefined
  }

  async function store(jobFolder: string, lease: CacheLease): Promise<void> {
    const { branchId, paths } = lease
    const [stored, next] = [folderOf(branchId), `${folderOf(branchId)}${nextMark}${basename(jobFolder)}`]
    await mkdir(next, { recursive: true, mode: 0o700 })
    const placeOf = (path: string) => placeBelow(jobFolder, join(lease.root, path))
    for (const path of lease.excluded) {
      const place = await placeOf(path)
      if (place !== undefined) await removeTree(place)
    }
    for (const [index, path] of paths.entries()) {
      const tree = join(next, String(index))
      if (await statusOf(tree)) continue
      const unused = join(stored, String(index))
      const [isUnused, place] = [!lease.kept && (await statusOf(unused)), await placeOf(path)]
      // At both places: the server was killed while it moved it, so that neither may be whole.
      if (isUnused && place !== undefined) continue
      const from = isUnused ? unused : place
      if (from !== undefined) await moveTree(from, tree)
    }
    const { bytes, buildPath, madeBy } = lease
    await writeDescription(next, { paths, bytes, buildPath, madeBy, unproven: !lease.kept })
    await removeWorkFolder(stored)
    await rename(next, stored)
  }

  return {
    restore: (build, from) =>
      turns.take(from, async () => (await orDrop(from, () => lend(build, from))) ?? false),

    async keep(build, paths) {
      try {
        return await note(build, paths)
      } catch (error) {
        if (error instanceof TooManyEntries) return error.message
        log.warn({ err: error, branchId: build.branchId }, 'what a build leaves cannot be cached')
        return "The server could not read the files of cache.paths; its operator finds the reason in the server's log"
      }
    },

    async takeBack(jobFolder, buildFailed) {
      const lease = await readLease(jobFolder)
      if (!lease) return
      await turns.take(lease.branchId, async () => {
        const isSpoilt = buildFailed && lease.unproven && !lease.kept
        if (isSpoilt || lease.paths.length === 0) await removeWorkFolder(folderOf(lease.branchId))
        else await orDrop(lease.branchId, () => store(jobFolder, lease))
        await rm(join(jobFolder, 'cache.json'), { force: true })
      })
    },

    async list() {
      const stored: StoredCache[] = []
      for (const name of await readdir(folder)) {
        const status = await statusOf(join(folder, name, 'cache.json'))
        const description = status && (await readDescription(join(folder, name)))
        stored.push({ name, bytes: description?.bytes ?? 0, usedAt: status?.mtimeMs ?? 0 })
      }
      return stored
    },

    drop: (name) => turns.take(name.split(nextMark)[0]!, () => removeWorkFolder(join(folder, name))),
  }
}

function gibibytes(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1)
}

/** In the name of a folder that becomes a branch's cache when all is in it. */
const nextMark = '.next-'

async function makerOf({ jobFolder, clone, executor }: CachedBuild): Promise<string> {
  const status = await statusOf(join(jobFolder, clone))
  return `${executor} ${status?.uid ?? ''}`
}
