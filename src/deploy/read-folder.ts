import { constants } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'

import type { Blobs, StoredBlob } from '../blobs/blobs.ts'
import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import { isWithin } from '../model/paths.ts'
import { RefusedContent } from './refused-content.ts'
import { decodeName, quoted } from './site-path.ts'

export interface FolderOptions {
  /** The build path: what `baseDirectory` is relative to, and what nothing may lead out of. */
  root: string
  /** As the build spec names it; empty, `.` and `/` are the root itself. */
  baseDirectory: string
  /** Globs relative to the base directory. Names that begin with a dot match like any other. */
  files: string[]
  signal?: AbortSignal | undefined
}

/** A file that was selected: the name it has in the folder, and where its bytes are, past any link. */
export interface FoundFile {
  name: string
  path: string
  size: number
}

/**
 * The selected files of a folder that a build left, in the order of names. The folder is hostile, and must have come to rest:
 * call it only when every process of the build is gone. A link within the folder is what it leads to; one that leads out is
 * refused, and so are pipes, sockets and devices. `.git` is left out at every depth.
 * @throws {RefusedContent} when the folder is missing or cannot be read
 */
export async function* findFiles(options: FolderOptions): AsyncGenerator<FoundFile, void> {
  const selects = selector(options.files)
  const base = await findBase(options)
  yield* walk({ base, selects, entries: 0, signal: options.signal }, base, '', new Set())
}

async function findBase({ root, baseDirectory }: FolderOptions): Promise<string> {
  const shown = baseDirectory || '/'
  const realRoot = await realpath(root)
  let base: string
  try {
    base = await realpath(join(realRoot, baseDirectory))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) {
      throw new RefusedContent(`Artifact directory doesn't exist: ${shown}`)
    }
    throw error
  }
  if (!isWithin(base, realRoot))
    throw new RefusedContent(`Artifact directory lies outside of the build: ${shown}`)
  if (!(await lstat(base)).isDirectory())
    throw new RefusedContent(`Artifact directory is not a directory: ${shown}`)
  return base
}

/** What the globs of a build spec select; `!` before one takes out what it matches. Bun's matcher takes no longer for a hostile glob than for any other. */
export function selector(globs: string[]): (name: string) => boolean {
  if (globs.length > limits.artifactPatternsMax) {
    throw new RefusedContent(`artifacts.files has more than ${limits.artifactPatternsMax} patterns`)
  }
  const wanted = globs.filter((glob) => !glob.startsWith('!')).map(matcherOf)
  const excluded = globs.filter((glob) => glob.startsWith('!')).map((glob) => matcherOf(glob.slice(1)))
  return (name) =>
    wanted.some((matcher) => matcher.match(name)) && !excluded.some((matcher) => matcher.match(name))
}

function matcherOf(glob: string): Bun.Glob {
  return new Bun.Glob(glob.replace(/^(\.?\/)+/, '').replace(/^!/, '\\!'))
}

interface Walker {
  base: string
  selects(name: string): boolean
  entries: number
  signal: AbortSignal | undefined
}

/**
 * Every selected file below a folder, in the order of names. What is not selected is not refused either.
 * @param above real paths of the folders that led here: a link back to one of them would never end
 */
async function* walk(
  walker: Walker,
  folder: string,
  prefix: string,
  above: ReadonlySet<string>,
): AsyncGenerator<FoundFile, void> {
  const path = new Set(above).add(folder)
  for (const entry of await readFolder(folder, prefix)) {
    walker.signal?.throwIfAborted()
    if (++walker.entries > limits.outputEntriesReadMax) {
      throw new RefusedContent(`The artifact directory has more than ${limits.outputEntriesReadMax} entries`)
    }
    if (entry === '.git') continue
    const name = prefix + entry
    if (Buffer.byteLength(name) > limits.pathBytesMax) {
      throw new RefusedContent(`The file name ${quoted(name)} is longer than ${limits.pathBytesMax} bytes`)
    }
    const selected = walker.selects(name)
    const place = join(folder, entry)
    const status = await lstat(place)
    if (status.isFile()) {
      if (selected) yield { name, path: place, size: status.size }
    } else if (status.isDirectory()) {
      yield* walk(walker, place, `${name}/`, path)
    } else if (status.isSymbolicLink()) {
      if (selected || walker.selects(`${name}/file`)) yield* followLink(walker, place, name, path)
    } else if (selected) {
      throw refusedKind(name)
    }
  }
}

async function readFolder(folder: string, prefix: string): Promise<string[]> {
  let entries: Buffer[]
  try {
    entries = await readdir(folder, { encoding: 'buffer' })
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM')) throw unreadable(prefix || '/')
    throw error
  }
  return entries
    .map((bytes) => {
      const name = decodeName(bytes)
      if (name !== undefined) return name
      throw new RefusedContent(
        `The file name ${quoted(prefix + bytes.toString('latin1'))} is not valid UTF-8`,
      )
    })
    .toSorted()
}

async function* followLink(
  walker: Walker,
  link: string,
  name: string,
  above: ReadonlySet<string>,
): AsyncGenerator<FoundFile, void> {
  const place = await resolveLink(walker.base, link, name)
  const status = await lstat(place)
  if (status.isDirectory()) {
    if (above.has(place))
      throw new RefusedContent(`The link ${quoted(name)} leads back to a folder it lies in`)
    yield* walk(walker, place, `${name}/`, above)
  } else if (walker.selects(name)) {
    if (!status.isFile()) throw refusedKind(name)
    yield { name, path: place, size: status.size }
  }
}

async function resolveLink(base: string, link: string, name: string): Promise<string> {
  let place: string
  try {
    place = await realpath(link)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR'))
      throw new RefusedContent(`The link ${quoted(name)} leads nowhere`)
    if (hasCode(error, 'ELOOP')) throw new RefusedContent(`The link ${quoted(name)} leads to itself`)
    if (hasCode(error, 'EACCES', 'EPERM')) throw unreadable(name)
    throw error
  }
  if (!isWithin(place, base)) {
    throw new RefusedContent(`The link ${quoted(name)} leads out of the artifact directory`)
  }
  if (relative(base, place).split('/').includes('.git')) {
    throw new RefusedContent(`The link ${quoted(name)} leads into .git, which is not published`)
  }
  return place
}

/**
 * Stores the bytes of a file that was found.
 * @throws {RefusedContent} when it cannot be read
 */
export async function storeFile(put: Blobs['put'], { name, path }: FoundFile): Promise<StoredBlob> {
  let file
  try {
    // Neither follows a link that was put here meanwhile, nor waits for the writer of a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM')) throw unreadable(name)
    if (hasCode(error, 'ELOOP', 'ENXIO')) throw refusedKind(name)
    throw error
  }
  try {
    if (!(await file.stat()).isFile()) throw refusedKind(name)
    // By its descriptor, so that what is read is what was checked.
    return await put({ path: `/dev/fd/${file.fd}` })
  } finally {
    await file.close()
  }
}

function refusedKind(name: string): RefusedContent {
  return new RefusedContent(`${quoted(name)} is a pipe, socket or device, which cannot be published`)
}

function unreadable(name: string): RefusedContent {
  return new RefusedContent(
    `${quoted(name)} cannot be read: the build took away the permission. Restore it with chmod`,
  )
}
