import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../../model/error-code.ts'
import { counterIn, killAllIn, pidsIn, readGroupFile, removeGroup } from './cgroup-files.ts'
import { type Cgroups, cpuPeriod, type JobGroup } from './cgroup.ts'

/**
 * Groups in the unified hierarchy, below `preamp/` in `parent`. https://docs.kernel.org/admin-guide/cgroup-v2.html
 * @returns undefined where the memory and pids controllers are not to be had there
 */
export async function openCgroupsV2(parent: string): Promise<Cgroups | undefined> {
  const folder = join(parent, 'preamp')
  try {
    const offered = (await readGroupFile(parent, 'cgroup.controllers'))?.trim().split(' ') ?? []
    if (!offered.includes('memory') || !offered.includes('pids')) return undefined
    await enableControllers(parent)
    await mkdir(folder, { recursive: true })
    await enableControllers(folder)
  } catch (error) {
    // EBUSY: the parent holds processes of its own, so the kernel gives its subtree no controllers.
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOENT')) return undefined
    throw error
  }
  return {
    version: 2,
    find: (name) => groupV2At(join(folder, name)),
    async create(name, limits) {
      const group = join(folder, name)
      await mkdir(group, { recursive: true })
      await writeFile(join(group, 'memory.max'), String(limits.memoryBytes))
      await writeFile(join(group, 'pids.max'), String(limits.processesMax))
      // Only there on kernels with swap.
      if (existsSync(join(group, 'memory.swap.max'))) await writeFile(join(group, 'memory.swap.max'), '0')
      // Only there where the parent offers the cpu controller.
      if (existsSync(join(group, 'cpu.max'))) {
        await writeFile(join(group, 'cpu.max'), `${Math.round(limits.cpus * cpuPeriod)} ${cpuPeriod}`)
      }
      return groupV2At(group)
    },
  }
}

/** The group in one folder of the unified hierarchy. */
export function groupV2At(folder: string): JobGroup {
  return {
    add: (pid) => writeFile(join(folder, 'cgroup.procs'), String(pid)),

    async exceeded() {
      if (counterIn(await readGroupFile(folder, 'memory.events'), 'oom_kill') > 0) return 'memory'
      if (counterIn(await readGroupFile(folder, 'pids.events'), 'max') > 0) return 'processes'
      return undefined
    },

    async kill() {
      const before = (await pidsIn(folder)).length
      try {
        await writeFile(join(folder, 'cgroup.kill'), '1', { flag: 'r+' })
        return before
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENODEV')) throw error
      }
      // The group is gone, or the kernel is older than 5.14 and has no cgroup.kill.
      if (existsSync(join(folder, 'pids.max'))) await writeFile(join(folder, 'pids.max'), '0', { flag: 'r+' })
      return killAllIn(folder)
    },

    remove: () => removeGroup(folder),
  }
}

async function enableControllers(folder: string): Promise<void> {
  const offered = (await readGroupFile(folder, 'cgroup.controllers'))?.trim().split(' ') ?? []
  const enabled = (await readGroupFile(folder, 'cgroup.subtree_control'))?.trim().split(' ') ?? []
  const wanted = ['memory', 'pids', ...(offered.includes('cpu') ? ['cpu'] : [])]
  if (wanted.every((controller) => enabled.includes(controller))) return
  await writeFile(
    join(folder, 'cgroup.subtree_control'),
    wanted.map((controller) => `+${controller}`).join(' '),
  )
}
