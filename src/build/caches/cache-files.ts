import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'

import { hasCode } from '../../model/error-code.ts'

const described = z.object({
  /** Below the build path; the first one's tree is `0` in the cache's folder. */
  paths: z.array(z.string()),
  bytes: z.number(),
  /** Folder below the repository's in which the paths lie. */
  buildPath: z.string(),
  /** The kind of executor that made it, and the user's id: what it holds fits no other. */
  madeBy: z.string(),
  /** Left by a build that failed. */
  unproven: z.boolean(),
})

/** What a branch's cache holds: `cache.json` beside the trees, written after them. A tree may be out with a job. */
export type CacheDescription = z.infer<typeof described>

const lease = described.extend({
  branchId: z.string(),
  /** Folder of the build path, below the job's. */
  root: z.string(),
  /** Whether the commands succeeded: then this is the new cache, otherwise it goes back as what it came from. */
  kept: z.boolean(),
  /** In the paths, but no part of the cache. */
  excluded: z.array(z.string()),
})

/** What of a job's folder goes into its branch's cache when the job ends: `cache.json` in the job's folder. */
export type CacheLease = z.infer<typeof lease>

const fileName = 'cache.json'

/** Undefined where there is none, or one that cannot be read: then there is no cache. */
export function readDescription(cacheFolder: string): Promise<CacheDescription | undefined> {
  return read(join(cacheFolder, fileName), described)
}

export function writeDescription(cacheFolder: string, description: CacheDescription): Promise<void> {
  return write(join(cacheFolder, fileName), described.parse(description))
}

export function readLease(jobFolder: string): Promise<CacheLease | undefined> {
  return read(join(jobFolder, fileName), lease)
}

export function writeLease(jobFolder: string, lent: CacheLease): Promise<void> {
  return write(join(jobFolder, fileName), lent)
}

async function read<T>(file: string, shape: z.ZodType<T>): Promise<T | undefined> {
  try {
    return shape.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined
    throw error
  }
}

async function write(file: string, value: unknown): Promise<void> {
  const part = `${file}.part`
  await writeFile(part, JSON.stringify(value), { mode: 0o600 })
  await rename(part, file)
}
