import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'

import type { Logger } from 'pino'
import semver from 'semver'

import { type Registry, RegistryFailed, type RegistryPackage } from './registry.ts'
import { isWhole, storedBytes, writeInventory } from './stored-tool.ts'
import { newest, packageOf, planTool, type ToolName, toolNames } from './tool-plan.ts'

export interface ToolWish {
  tool: ToolName
  /** A range as npm reads it. */
  range: string
  /** Where several versions fit, one of these is taken, if there is any. */
  preferred?: string
  /** The Node that is to run the tool. */
  nodeVersion?: string
}

export interface Tool {
  version: string
  /** Folder of its programs. */
  bin: string
  wasDownloaded: boolean
  /** Lets the cache drop it. */
  release(): void
}

export interface ToolCache {
  /** The folder that builds may read. */
  readonly folder: string
  readonly registryAddress: string | undefined
  /**
   * The newest version that fits, of those that the registry is known to have; downloaded where it is not here yet. Where the
   * registry does not answer, one that is here counts.
   * @throws {RegistryFailed} when there is none, or none that can be had
   */
  get(wish: ToolWish): Promise<Tool>
}

export interface ToolCacheOptions {
  folder: string
  bytesMax: number
  registry: Registry
  log: Logger
}

/**
 * Tools that the server downloads for builds, which can read them and change nothing. A tool is made beside the folder that
 * builds see, and moved there whole; what is not whole any more is made anew.
 */
export async function openToolCache({
  folder,
  bytesMax,
  registry,
  log,
}: ToolCacheOptions): Promise<ToolCache> {
  const ready = join(folder, 'ready')
  const partial = join(folder, 'partial')
  // What a process before this one did not finish.
  await rm(partial, { recursive: true, force: true })
  for (const path of [folder, ready]) {
    mkdirSync(path, { recursive: true })
    chmodSync(path, 0o755)
  }
  mkdirSync(partial, { mode: 0o700 })
  const making = new Map<string, Promise<boolean>>()
  const users = new Map<string, number>()
  let madeRoom = Promise.resolve()

  async function get(wish: ToolWish): Promise<Tool> {
    const here = bestOf(await versionsHere(wish.tool), wish)
    const name = packageOf(wish.tool, wish.range)
    const known = registry.remembered(name)
    if (here !== undefined && (!known || semver.valid(wish.range))) {
      // The next build gets what is newer, this one does not wait for the registry to say.
      if (!known) void registry.versionsOf(name).catch(() => undefined)
      const tool = await use(wish.tool, here).catch(damagedAsNone)
      if (tool) return tool
    }
    try {
      const found = chooseVersion(known ?? (await registry.versionsOf(name)), wish)
      if (found) return await use(wish.tool, found.version, found)
    } catch (error) {
      if (!(error instanceof RegistryFailed) || here === undefined) throw error
      log.warn({ err: error }, 'an older tool is used, as the npm registry fails')
    }
    if (here !== undefined) return use(wish.tool, here)
    throw new RegistryFailed(`The npm registry has no version of ${wish.tool} that fits ${wish.range}`)
  }

  async function use(tool: ToolName, version: string, found?: RegistryPackage): Promise<Tool> {
    const entry = `${tool}-${version}`
    const place = join(ready, entry)
    hold(entry, 1)
    try {
      const made = making.get(entry) ?? make(tool, place, found).finally(() => making.delete(entry))
      making.set(entry, made)
      const wasDownloaded = await made
      const now = new Date()
      await utimes(place, now, now)
      const release = () => hold(entry, -1)
      return { version, bin: join(place, 'bin'), wasDownloaded, release }
    } catch (error) {
      hold(entry, -1)
      throw error
    }
  }

  /** Whether it had to be downloaded. */
  async function make(tool: ToolName, place: string, found: RegistryPackage | undefined): Promise<boolean> {
    if (await isWhole(place)) return false
    if (lstatSync(place, { throwIfNoEntry: false })) {
      log.warn({ place }, 'a damaged tool is dropped')
      await drop(place)
    }
    if (!found) throw new RegistryFailed(`The stored ${basename(place)} was damaged`)
    const scratch = await mkdtemp(join(partial, 'tool-'))
    try {
      await chmod(scratch, 0o755)
      const { parts, links } = await planTool(tool, found, registry)
      for (const part of parts) {
        const target = join(scratch, part.folder)
        await mkdir(target, { recursive: true })
        await registry.unpack(part.found, target)
      }
      await mkdir(join(scratch, 'bin'), { recursive: true })
      for (const [name, target] of Object.entries(links)) {
        await symlink(target, join(scratch, 'bin', name))
        await chmod(join(scratch, 'bin', target), 0o755)
      }
      await closeToChanges(scratch)
      await writeInventory(scratch)
      await rename(scratch, place)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
    await (madeRoom = madeRoom.then(makeRoom, makeRoom))
    return true
  }

  function hold(entry: string, change: 1 | -1): void {
    const count = (users.get(entry) ?? 0) + change
    if (count === 0) users.delete(entry)
    else users.set(entry, count)
  }

  async function versionsHere(tool: ToolName): Promise<string[]> {
    const names = await readdir(ready)
    return names
      .filter((name) => name.startsWith(`${tool}-`))
      .map((name) => name.slice(tool.length + 1))
      .filter((version) => semver.valid(version) !== null)
  }

  /** Drops what was used longest ago, and is not in use, until all fits. */
  async function makeRoom(): Promise<void> {
    const entries = await Promise.all(
      (await readdir(ready)).map(async (name) => ({
        name,
        bytes: (await storedBytes(join(ready, name))) ?? 0,
        usedAt: lstatSync(join(ready, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
      })),
    )
    let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    for (const entry of entries.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (bytes <= bytesMax) return
      if (users.has(entry.name)) continue
      await drop(join(ready, entry.name))
      bytes -= entry.bytes
    }
  }

  /** Out of sight first, and at once: what is half removed is never used, and nobody begins to use it meanwhile. */
  async function drop(place: string): Promise<void> {
    const away = mkdtempSync(join(partial, 'dropped-'))
    renameSync(place, join(away, 'tool'))
    await rm(away, { recursive: true, force: true })
  }

  return { folder: ready, registryAddress: registry.address, get }
}

/** Whether a tool of this name exists. */
export function isToolName(name: string): name is ToolName {
  return toolNames.some((known) => known === name)
}

function damagedAsNone(error: unknown): undefined {
  if (!(error instanceof RegistryFailed)) throw error
}

function bestOf(versions: string[], { range, preferred }: ToolWish): string | undefined {
  const both = versions.filter((version) => semver.satisfies(version, preferred ?? range))
  return semver.maxSatisfying(both, range) ?? semver.maxSatisfying(versions, range) ?? undefined
}

function chooseVersion(versions: RegistryPackage[], wish: ToolWish): RegistryPackage | undefined {
  const runs = ({ nodeRange }: RegistryPackage) =>
    wish.nodeVersion === undefined || semver.satisfies(wish.nodeVersion, nodeRange)
  const fitting = versions.filter((one) => semver.satisfies(one.version, wish.range) && runs(one))
  const best = fitting.filter((one) => semver.satisfies(one.version, wish.preferred ?? wish.range))
  return newest(best) ?? newest(fitting) ?? fitting[0]
}

/** Files are readable for every user, and for nobody to change, this server's own user included. */
async function closeToChanges(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(path, 0o755)
    if (!entry.isFile()) continue
    const isProgram = ((await stat(path)).mode & 0o100) !== 0
    await chmod(path, isProgram ? 0o555 : 0o444)
  }
}
