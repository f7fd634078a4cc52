import { access, constants, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { openCgroupsV1 } from './cgroup-v1.ts'
import { openCgroupsV2 } from './cgroup-v2.ts'

export interface GroupLimits {
  memoryBytes: number
  processesMax: number
  /** Processors' worth of time; held where the kernel offers it. */
  cpus: number
}

/** The kernel's control groups, as far as the host lets this server have any. */
export interface Cgroups {
  readonly version: 1 | 2
  /** Makes the group of a job, with its limits. */
  create(name: string, limits: GroupLimits): Promise<JobGroup>
  /** The group of a job as another process made it; every method does nothing where there is none. */
  find(name: string): JobGroup
}

/** The period over which processor time is counted, in microseconds: the kernel's default. */
export const cpuPeriod = 100_000

export interface JobGroup {
  /** Moves a process into the group; what it starts from then on is in it too. */
  add(pid: number): Promise<void>
  /** The limit that processes of the group ran into, if any. */
  exceeded(): Promise<'memory' | 'processes' | undefined>
  /** Kills every process of the group and forbids new ones; returns how many there were. */
  kill(): Promise<number>
  /** Removes the empty group. */
  remove(): Promise<void>
}

/**
 * Finds where this server may make groups that limit memory and processes: cgroup v2 where its controllers are to be had
 * (as root, or in the subtree that systemd delegates with `Delegate=yes` and `DelegateSubgroup=`), otherwise v1.
 * @param root where the hierarchies are mounted
 * @returns undefined where there is none; limits must then be watched from outside
 */
export async function findCgroups(root = '/sys/fs/cgroup'): Promise<Cgroups | undefined> {
  const own = ownGroupV2(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''))
  for (const parent of parentsV2(root, own)) {
    const groups = await openCgroupsV2(parent)
    if (groups) return groups
  }
  const writable = await Promise.all(
    ['memory', 'pids'].map((controller) => isWritable(join(root, controller, 'cgroup.procs'))),
  )
  return writable.every(Boolean) ? openCgroupsV1(root) : undefined
}

/** The server's own group in the unified hierarchy, from the text of `/proc/self/cgroup` (cgroups(7)). */
export function ownGroupV2(text: string): string | undefined {
  return /^0::(\/.*)$/m.exec(text)?.[1]
}

/**
 * Folders in which groups may be made, best first. Beside the server, where systemd put it into a subgroup of its own
 * unit: that unit's subtree is ours. Otherwise the root of the hierarchy as this process sees it.
 */
export function parentsV2(root: string, own: string | undefined): string[] {
  const unit = own === undefined ? undefined : dirname(own)
  return unit !== undefined && /\.(service|scope)$/.test(unit) ? [join(root, unit), root] : [root]
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  )
}
