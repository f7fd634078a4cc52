import type { JobGroup } from './cgroup.ts'
import { familyOf, listProcesses, proportionalBytes, residentBytes } from './process-tree.ts'

export interface LimitWatch {
  /** Why the session is over a limit, or undefined. */
  check(): Promise<string | undefined>
}

export interface WatchedLimits {
  memoryBytes: number
  processesMax: number
}

const MiB = 1024 * 1024

/**
 * Tells when a session goes over its limits: the kernel's own counters where it has a cgroup, otherwise what `/proc` shows
 * of the session's processes.
 * @param root first process of the session
 */
export function watchLimits(root: number, group: JobGroup | undefined, limits: WatchedLimits): LimitWatch {
  const reasons = {
    memory: `The build used more than its ${Math.floor(limits.memoryBytes / MiB)} MiB of memory (buildComputeType of the app, PREAMP_BUILD_MEMORY_MIB) and was ended.`,
    processes: `The build had more than its ${limits.processesMax} processes and threads (PREAMP_BUILD_PROCESSES_MAX) and was ended.`,
  }
  return {
    async check() {
      const exceeded = group ? await group.exceeded() : await exceededInProc(root, limits)
      return exceeded && reasons[exceeded]
    },
  }
}

/** What `/proc` shows of a process and its descendants. */
export async function exceededInProc(
  root: number,
  limits: WatchedLimits,
): Promise<'memory' | 'processes' | undefined> {
  const family = familyOf(root, await listProcesses())
  if (family.reduce((sum, process) => sum + process.threads, 0) >= limits.processesMax) return 'processes'
  if ((await residentBytes(family)) <= limits.memoryBytes) return undefined
  return (await proportionalBytes(family)) > limits.memoryBytes ? 'memory' : undefined
}
