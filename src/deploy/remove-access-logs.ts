import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { appOfFile, hourOf, isHour } from '../model/access-log.ts'
import { hasCode } from '../model/error-code.ts'
import { listKnownAppIds } from '../store/apps.ts'
import type { Queries } from '../store/database.ts'

const hourMilliseconds = 3600_000

/**
 * Removes the access logs that are not to be kept: hours that are too old, files of apps that do not exist any more, and,
 * where what is left is too much, the oldest hours, but never the one that is being written.
 * @param options.days 0 removes all
 * @param options.bytesMax of all files together
 * @param options.now epoch milliseconds
 */
export async function removeAccessLogs(options: {
  folder: string
  queries: Queries
  days: number
  bytesMax: number
  now: number
}): Promise<void> {
  const { folder, queries, days, bytesMax, now } = options
  const current = hourOf(now)
  // The first hour of which a part is not too old.
  const oldest = days === 0 ? undefined : hourOf(now - days * 24 * hourMilliseconds)
  let bytes = 0
  for (const hour of (await readdir(folder)).filter(isHour).toSorted().toReversed()) {
    const path = join(folder, hour)
    if (oldest !== undefined && hour >= oldest) {
      bytes += await removeStrangers(path, queries)
      if (bytes <= bytesMax || hour >= current) continue
    }
    await rm(path, { recursive: true, force: true })
  }
}

/** Removes the files of apps that do not exist any more, and says how many bytes are left. */
async function removeStrangers(folder: string, queries: Queries): Promise<number> {
  const names = await readdir(folder)
  const known = await listKnownAppIds(queries, new Set(names.map(appOfFile).filter((id) => id !== undefined)))
  let bytes = 0
  for (const name of names) {
    const file = join(folder, name)
    const appId = appOfFile(name)
    if (appId !== undefined && !known.has(appId)) await rm(file, { force: true })
    else bytes += await sizeOf(file)
  }
  return bytes
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0
    throw error
  }
}
