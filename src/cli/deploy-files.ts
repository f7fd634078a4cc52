import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { UsageError } from '../usage-error.ts'

export interface LocalFile {
  /** Path in the site, separated by `/`. */
  name: string
  path: string
  size: number
}

/** What never belongs to a site: Git's own data, Preamp's (it holds keys), and what file managers leave behind. */
const leftOut = new Set(['.git', '.preamp', '.DS_Store', '__MACOSX'])

/**
 * Lists the files of a folder that is to become a site, sorted by name.
 * @throws {UsageError} for a folder that is none, is empty, or holds links
 */
export function listFiles(folder: string): LocalFile[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(
      `${folder} is not a folder. Give the folder that your build writes, for example: preamp deploy dist`,
    )
  }
  const files = [...walk(folder, '')]
  if (files.length === 0) throw new UsageError(`${folder} holds no files.`)
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function* walk(folder: string, prefix: string): Generator<LocalFile> {
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
    if (leftOut.has(entry.name)) continue
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    const path = join(folder, name)
    if (entry.isDirectory()) yield* walk(folder, name)
    else if (entry.isFile()) yield { name, path, size: statSync(path).size }
    else
      throw new UsageError(
        `${path} is neither a file nor a folder. Put a copy of what it points to in its place.`,
      )
  }
}

/** MD5 for AWS's `fileMap`, SHA-256 for what the server may already have; both in hex, from one reading. */
export async function hashFile(path: string): Promise<{ md5: string; sha: string }> {
  const md5 = createHash('md5')
  const sha = createHash('sha256')
  for await (const piece of Bun.file(path).stream()) {
    md5.update(piece)
    sha.update(piece)
  }
  return { md5: md5.digest('hex'), sha: sha.digest('hex') }
}
