import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../../model/error-code.ts'
import { counterIn, killAllIn, readGroupFile, removeGroup } from './cgroup-files.ts'
import { type Cgroups, cpuPeriod, type JobGroup } from './cgroup.ts'

/**
 * Groups in the `memory`, `pids` and, where it is there, `cpu` hierarchies of cgroup v1, below `preamp/` in each.
 * https://docs.kernel.org/admin-guide/cgroup-v1/
 */
export function openCgroupsV1(root: string): Cgroups {
  const folders = (name: string): GroupFolders => ({
    memory: join(root, 'memory', 'preamp', name),
    pids: join(root, 'pids', 'preamp', name),
    cpu: existsSync(join(root, 'cpu', 'cpu.cfs_quota_us')) ? join(root, 'cpu', 'preamp', name) : undefined,
  })
  return {
    version: 1,
    find: (name) => groupV1At(folders(name)),
    async create(name, limits) {
      const { memory, pids, cpu } = folders(name)
      await mkdir(memory, { recursive: true })
      await mkdir(pids, { recursive: true })
      await writeFile(join(memory, 'memory.limit_in_bytes'), String(limits.memoryBytes))
      const withSwap = join(memory, 'memory.memsw.limit_in_bytes')
      // Only there on kernels that account for swap; without it a build over its memory would swap instead of failing.
      if (existsSync(withSwap)) await writeFile(withSwap, String(limits.memoryBytes))
      await writeFile(join(pids, 'pids.max'), String(limits.processesMax))
      if (cpu !== undefined) {
        await mkdir(cpu, { recursive: true })
        await writeFile(join(cpu, 'cpu.cfs_period_us'), String(cpuPeriod))
        await writeFile(join(cpu, 'cpu.cfs_quota_us'), String(Math.round(limits.cpus * cpuPeriod)))
      }
      return groupV1At({ memory, pids, cpu })
    },
  }
}

interface GroupFolders {
  memory: string
  pids: string
  cpu: string | undefined
}

/** The group in one folder of each hierarchy. */
export function groupV1At({ memory, pids, cpu }: GroupFolders): JobGroup {
  return {
    async add(pid) {
      await writeFile(join(memory, 'cgroup.procs'), String(pid))
      await writeFile(join(pids, 'cgroup.procs'), String(pid))
      if (cpu !== undefined) await writeFile(join(cpu, 'cgroup.procs'), String(pid))
    },

    async exceeded() {
      if (counterIn(await readGroupFile(memory, 'memory.oom_control'), 'oom_kill') > 0) return 'memory'
      if (counterIn(await readGroupFile(pids, 'pids.events'), 'max') > 0) return 'processes'
      return undefined
    },

    async kill() {
      // Nothing can fork from here on, so a tree that forks faster than it is killed ends too.
      await writeFile(join(pids, 'pids.max'), '0', { flag: 'r+' }).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT', 'ENODEV')) throw error
      })
      return (await killAllIn(pids)) + (await killAllIn(memory))
    },

    async remove() {
      await removeGroup(memory)
      await removeGroup(pids)
      if (cpu !== undefined) await removeGroup(cpu)
    },
  }
}
