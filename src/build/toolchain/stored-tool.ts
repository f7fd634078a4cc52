import { createHash } from 'node:crypto'
import { createReadStream, lstatSync, readlinkSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'

import { hasCode } from '../../model/error-code.ts'

/** What a folder of the tool cache must hold: written when it was made, before it could be seen. */
const inventory = z.object({
  bytes: z.number(),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
  links: z.record(z.string(), z.string()),
})
type Inventory = z.infer<typeof inventory>

const inventoryFile = 'preamp-tool.json'

/** State of the files when they were compared with their checksums, by folder. */
const compared = new Map<string, string>()

export async function writeInventory(folder: string): Promise<void> {
  const contents: Inventory = { bytes: 0, files: {}, links: {} }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length + 1)
    if (entry.isSymbolicLink()) contents.links[name] = readlinkSync(path)
    if (!entry.isFile()) continue
    const bytes = lstatSync(path).size
    contents.files[name] = { bytes, sha256: await sha256Of(path) }
    contents.bytes += bytes
  }
  await writeFile(join(folder, inventoryFile), JSON.stringify(contents))
}

/** Bytes of a stored tool; undefined where its inventory is missing or broken. */
export async function storedBytes(folder: string): Promise<number | undefined> {
  return (await readInventory(folder))?.bytes
}

/**
 * Whether a stored tool is what was unpacked. Checksums are compared at the first look of this process, and where a file has
 * changed its size or time since.
 */
export async function isWhole(folder: string): Promise<boolean> {
  const contents = await readInventory(folder)
  const state = contents && stateOf(folder, contents)
  if (!contents || state === undefined) return false
  if (compared.get(folder) === state) return true
  for (const [name, { sha256 }] of Object.entries(contents.files)) {
    if ((await sha256Of(join(folder, name))) !== sha256) return false
  }
  compared.set(folder, state)
  return true
}

/** Changes with every change of a file; undefined where one is missing, or is not what the inventory says. */
function stateOf(folder: string, { files, links }: Inventory): string | undefined {
  const hash = createHash('sha256')
  for (const [name, { bytes }] of Object.entries(files)) {
    const status = lstatSync(join(folder, name), { throwIfNoEntry: false })
    if (!status?.isFile() || status.size !== bytes) return undefined
    hash.update(`${status.ino} ${status.ctimeMs}\n`)
  }
  for (const [name, target] of Object.entries(links)) {
    const path = join(folder, name)
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() || readlinkSync(path) !== target)
      return undefined
  }
  return hash.digest('hex')
}

async function readInventory(folder: string): Promise<Inventory | undefined> {
  try {
    return inventory.parse(JSON.parse(await readFile(join(folder, inventoryFile), 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined
    throw error
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(bytes)
  return hash.digest('hex')
}
