import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../../model/error-code.ts'
import { counterIn, killAllIn, readGroupFile, removeGroup } from './cgroup-files.ts'
import type { Cgroups, JobGroup } from './cgroup.ts'

/**
 * Groups in the `memory` and `pids` hierarchies of cgroup v1, below `preamp/` in each.
 * https://docs.kernel.org/admin-guide/cgroup-v1/
 */
export function openCgroupsV1(root: string): Cgroups {
  const folders = (name: string): { memory: string; pids: string } => ({
    memory: join(root, 'memory', 'preamp', name),
    pids: join(root, 'pids', 'preamp', name),
  })
  return {
    version: 1,
    find: (name) => groupIn(folders(name)),
    async create(name, limits) {
      const { memory, pids } = folders(name)
      await mkdir(memory, { recursive: true })
      await mkdir(pids, { recursive: true })
      await writeFile(join(memory, 'memory.limit_in_bytes'), String(limits.memoryBytes))
      const withSwap = join(memory, 'memory.memsw.limit_in_bytes')
      // Only there on kernels that account for swap; without it a build over its memory would swap instead of failing.
      if (existsSync(withSwap)) await writeFile(withSwap, String(limits.memoryBytes))
      await writeFile(join(pids, 'pids.max'), String(limits.processesMax))
      return groupIn({ memory, pids })
    },
  }
}

function groupIn({ memory, pids }: { memory: string; pids: string }): JobGroup {
  return {
    async add(pid) {
      await writeFile(join(memory, 'cgroup.procs'), String(pid))
      await writeFile(join(pids, 'cgroup.procs'), String(pid))
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
    },
  }
}
