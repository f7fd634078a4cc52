import type { Stats } from 'node:fs'
import { lchown, lstat, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { hasCode } from '../../model/error-code.ts'

/**
 * The place of a path below a folder; undefined where nothing is there, or a folder on the way is a link or no folder: what
 * a build or a repository put there could lead anywhere.
 * @param path relative, without `..`
 */
export async function placeBelow(root: string, path: string): Promise<string | undefined> {
  let place = root
  for (const part of path.split('/')) {
    if (!(await statusOf(place))?.isDirectory()) return undefined
    place = join(place, part)
  }
  return (await statusOf(place)) && place
}

/** Like {@link placeBelow}, but undefined too where it is no folder. */
export async function folderBelow(root: string, path: string): Promise<string | undefined> {
  const place = await placeBelow(root, path)
  return place !== undefined && (await statusOf(place))?.isDirectory() ? place : undefined
}

/**
 * Like {@link placeBelow}, but for something that shall be put there: folders that are missing on the way are made, and given
 * to the owner of the folder they are made in.
 */
export async function makePlaceBelow(root: string, path: string): Promise<string | undefined> {
  const parts = path.split('/')
  let folder = root
  for (const part of parts.slice(0, -1)) {
    const next = join(folder, part)
    if (!(await statusOf(next))) await makeLike(next)
    if (!(await statusOf(next))?.isDirectory()) return undefined
    folder = next
  }
  return join(folder, parts.at(-1)!)
}

async function makeLike(folder: string): Promise<void> {
  const { uid, gid } = await lstat(dirname(folder))
  await mkdir(folder, { mode: 0o755 })
  if (process.getuid!() === 0) await lchown(folder, uid, gid)
}

/** What is at the place, a link being a link; undefined where nothing is, or it has no name that the system takes. */
export async function statusOf(place: string): Promise<Stats | undefined> {
  try {
    return await lstat(place)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined
    throw error
  }
}
