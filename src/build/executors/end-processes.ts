import { limits } from '../../model/limits.ts'
import type { HostProcess } from '../../model/process-stat.ts'
import type { JobGroup } from './cgroup.ts'
import { familyOf, listProcesses, markedProcesses, signalProcess } from './process-tree.ts'

/** How the processes of one job are found. */
export interface JobProcesses {
  mark: string
  /** First process of the session; unknown to a server that cleans up after another. */
  root?: number
  group?: JobGroup | undefined
}

/**
 * Kills every process of a job until none is found: by cgroup, by mark, by descent and session. Then removes the cgroup.
 * @throws when some are still there after `limits.stopSecondsMax`
 */
export async function endProcesses({ mark, root, group }: JobProcesses): Promise<void> {
  let deadline: number | undefined
  // Once found, a process stays a suspect, also when it was orphaned meanwhile and nothing shows its origin any more.
  const suspects = new Set<string>()
  for (;;) {
    const inGroup = (await group?.kill()) ?? 0
    // From here on, since what a container engine takes for its part says nothing of the processes.
    deadline ??= performance.now() + limits.stopSecondsMax * 1000
    const processes = (await listProcesses()).filter((process) => !process.zombie)
    const found = [
      ...(await markedProcesses(mark, processes)),
      ...(root === undefined ? [] : familyOf(root, processes)),
      ...processes.filter((process) => suspects.has(identity(process))),
    ]
    if (inGroup === 0 && found.length === 0) break
    if (performance.now() > deadline) {
      const pids = found.map((process) => process.pid).join(', ')
      throw new Error(
        `Processes of a build are still there after ${limits.stopSecondsMax} s of SIGKILL: ${pids}`,
      )
    }
    for (const process of found) suspects.add(identity(process))
    // Stopped first, none can fork while the others are killed one by one.
    for (const process of found) signalProcess(process.pid, 'SIGSTOP')
    for (const process of found) signalProcess(process.pid, 'SIGKILL')
    await Bun.sleep(5)
  }
  await group?.remove()
}

function identity(process: HostProcess): string {
  return `${process.pid}:${process.started}`
}
