import { readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../../model/error-code.ts'
import { signalProcess } from './process-tree.ts'

/** Text of a file of a group, or undefined where the group, or the file, is not there. */
export async function readGroupFile(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8')
  } catch (error) {
    // ENODEV: the group was removed while its file was open.
    if (hasCode(error, 'ENOENT', 'ENODEV')) return undefined
    throw error
  }
}

/** A number from a file of lines `name value`, 0 where it is missing. */
export function counterIn(text: string | undefined, name: string): number {
  const line = text?.split('\n').find((candidate) => candidate.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length + 1))
}

/** Pids in a group. */
export async function pidsIn(folder: string): Promise<number[]> {
  const text = (await readGroupFile(folder, 'cgroup.procs')) ?? ''
  // 0 stands for a process that this pid namespace cannot name.
  return text
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0)
}

/** Kills all that is in a group now, and returns how many that were. */
export async function killAllIn(folder: string): Promise<number> {
  const pids = await pidsIn(folder)
  for (const pid of pids) signalProcess(pid, 'SIGKILL')
  return pids.length
}

/** Removes a group; the kernel says it is busy for a moment after its last process ended. */
export async function removeGroup(folder: string): Promise<void> {
  const attemptsMax = 100
  for (let attempt = 1; ; attempt++) {
    try {
      await rmdir(folder)
      return
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return
      if (!hasCode(error, 'EBUSY') || attempt === attemptsMax) throw error
      await Bun.sleep(10)
    }
  }
}
