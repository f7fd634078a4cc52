import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { codeOf } from '../../model/error-code.ts'
import { limits } from '../../model/limits.ts'
import type { CachePaths, CachePattern } from './cache-paths.ts'
import { placeBelow } from './real-places.ts'

/** Paths below the build path. */
export interface Selection {
  /** What is cached: folders, each with all that is in it, and single files and links. */
  entries: string[]
  /** What lies in these folders and is not cached. */
  excluded: string[]
}

/** More is named by the patterns than a cache can hold. The message is for the build's log. */
export class TooManyEntries extends Error {}

/** Left out unless a pattern names it (contract/hosting-behaviour.md §1.2). */
const toolCache = '.cache'

/**
 * Finds what the paths name below a folder, once no process of the build is left. The folder is hostile: links are cached
 * as links and never followed, and nothing is opened.
 * @throws {TooManyEntries}
 */
export async function selectCached(root: string, paths: CachePaths): Promise<Selection> {
  const selection: Selection = { entries: [], excluded: [] }
  const walk = { root, entriesRead: 0 }
  await select(walk, '', paths, selection)
  if (selection.entries.length + selection.excluded.length > limits.cacheEntriesMax) {
    throw new TooManyEntries(
      `cache.paths names more than ${limits.cacheEntriesMax} files one by one: name their folder, as in "dir/**/*"`,
    )
  }
  return selection
}

interface Walk {
  root: string
  entriesRead: number
}

async function select(walk: Walk, folder: string, paths: CachePaths, selection: Selection): Promise<void> {
  const { wanted, excluded } = paths
  for (const entry of await readFolder(walk, folder)) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.name === '.git' || excluded.some((pattern) => pattern.matches(path))) continue
    const isFolder = entry.isDirectory()
    if (wanted.some((pattern) => pattern.matches(path)) && !isToolCache(path, wanted)) {
      selection.entries.push(path)
      if (isFolder) await exclude(walk, path, paths, selection)
    } else if (isFolder && wanted.some((pattern) => pattern.reachesBelow(path))) {
      await select(walk, path, paths, selection)
    }
  }
}

async function exclude(walk: Walk, entry: string, paths: CachePaths, selection: Selection): Promise<void> {
  const found = new Set<string>()
  const inEntry = (path: string) => path.startsWith(`${entry}/`)
  for (const { literal } of paths.excluded) {
    if (literal !== undefined && inEntry(literal) && (await placeBelow(walk.root, literal)))
      found.add(literal)
  }
  const tools = `${entry}/${toolCache}`
  if (isToolCache(tools, paths.wanted) && (await placeBelow(walk.root, tools))) found.add(tools)
  const searched = paths.excluded.filter(({ literal }) => literal === undefined)
  if (searched.length > 0) await search(walk, entry, searched, found)
  selection.excluded.push(...found)
}

async function search(
  walk: Walk,
  folder: string,
  patterns: CachePattern[],
  found: Set<string>,
): Promise<void> {
  const reaching = patterns.filter((pattern) => pattern.reachesBelow(folder))
  if (reaching.length === 0) return
  for (const entry of await readFolder(walk, folder)) {
    const path = `${folder}/${entry.name}`
    if (reaching.some((pattern) => pattern.matches(path))) found.add(path)
    else if (entry.isDirectory()) await search(walk, path, reaching, found)
  }
}

function isToolCache(path: string, wanted: CachePattern[]): boolean {
  const isInModules = basename(path) === toolCache && /(^|\/)node_modules\/[^/]+$/.test(path)
  return isInModules && !wanted.some(({ literal }) => literal === path)
}

async function readFolder(walk: Walk, folder: string): Promise<Dirent[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(join(walk.root, folder), { withFileTypes: true })
  } catch (error) {
    // Not readable, or nested deeper than a path can name: then it holds nothing that a pattern finds.
    if (codeOf(error) !== undefined) return []
    throw error
  }
  walk.entriesRead += entries.length
  if (walk.entriesRead > limits.outputEntriesReadMax) {
    throw new TooManyEntries(
      `the patterns of cache.paths lead through more than ${limits.outputEntriesReadMax} files`,
    )
  }
  return entries
}
