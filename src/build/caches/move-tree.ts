import { randomUUID } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { hasCode } from '../../model/error-code.ts'
import { limits } from '../../model/limits.ts'
import { removeWorkFolder } from '../work-folder.ts'
import { statusOf } from './real-places.ts'

/**
 * Moves a folder, file or link to a place where nothing is: at no cost on one file system, otherwise by a copy. Whole or not
 * at all. Owners, modes and links stay as they are; nothing is followed.
 */
export async function moveTree(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (!hasCode(error, 'EXDEV')) throw error
    await copyTree(from, to)
    await removeTree(from)
  }
}

/** Like {@link moveTree}, but leaves the original. Blocks are shared where the file system can (reflink), never inodes. */
export async function copyTree(from: string, to: string): Promise<void> {
  // Under a name that nobody could have put a link at.
  const part = join(dirname(to), `.preamp-${randomUUID()}`)
  await run(['cp', '--archive', '--reflink=auto', '--no-target-directory', '--', from, part])
  await rename(part, to)
}

/**
 * Moves into a place that may hold something already, as the checkout does: what is there stays, and folders are filled up.
 * What found no place is removed.
 */
export async function mergeTree(from: string, to: string): Promise<void> {
  const [there, coming] = await Promise.all([statusOf(to), statusOf(from)])
  if (!coming) return
  if (!there) return moveTree(from, to)
  if (there.isDirectory() && coming.isDirectory()) {
    for (const name of await readdir(from, { encoding: 'buffer' })) {
      await mergeTree(below(from, name), below(to, name))
    }
  }
  await removeTree(from)
}

/** Removes a folder, file or link. Of a link's target nothing is touched. */
export async function removeTree(place: string): Promise<void> {
  if ((await statusOf(place))?.isDirectory()) return removeWorkFolder(place)
  await rm(place, { force: true })
}

/** Names that are no UTF-8 are left to be removed with their folder: no path of ours can say them. */
function below(folder: string, name: Buffer): string {
  return join(folder, name.toString('utf8'))
}

/**
 * Bytes that folders, files and links take on the disk.
 * @throws when it takes too long, as a hostile tree may
 */
export async function diskBytesOf(places: string[]): Promise<number> {
  if (places.length === 0) return 0
  const stdin = Buffer.from(places.map((place) => `${place}\0`).join(''))
  const output = await run(['du', '--summarize', '--block-size=1', '--total', '--files0-from=-'], stdin)
  return Number(/(\d+)\ttotal\n$/.exec(output)?.[1] ?? 0)
}

async function run(command: string[], stdin?: Uint8Array): Promise<string> {
  const child = Bun.spawn(command, {
    stdin: stdin ?? 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: limits.cacheWalkSecondsMax * 1000,
    killSignal: 'SIGKILL',
  })
  const [output, complaint, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  if (exitCode === 0) return output
  const why =
    child.signalCode === null ? complaint.slice(0, 500) : `took longer than ${limits.cacheWalkSecondsMax} s`
  throw new Error(`${command[0]}: ${why}`)
}
