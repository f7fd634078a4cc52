import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { hasCode } from '../../model/error-code.ts'
import { groupV1At } from './cgroup-v1.ts'
import { groupV2At } from './cgroup-v2.ts'
import type { JobGroup } from './cgroup.ts'
import { callEngine, type ContainerEngine, requireEngine } from './docker-engine.ts'
import { exceededInProc, type WatchedLimits } from './limit-watch.ts'

/** By which containers are found that this server, or one before it, made. */
export const containerLabels = { instance: 'preamp.instance', job: 'preamp.job' }

export function containerName(mark: string): string {
  return `preamp-${mark}`
}

/** A job's container as the group of its processes. */
export interface ContainerGroup extends JobGroup {
  /**
   * Tells the pid of the container's first process as the host sees it: from then on it is known which limit was run into, by
   * the kernel's counters, which anybody on the host can read. Where the engine holds no limits, processes are measured instead.
   */
  startedAs(pid: number, limits: WatchedLimits): Promise<void>
}

export function containerGroup(engine: ContainerEngine, mark: string): ContainerGroup {
  const name = containerName(mark)
  let counters: Counters | undefined
  let measured: { pid: number; limits: WatchedLimits } | undefined
  let removed = false
  return {
    async startedAs(pid, limits) {
      if (engine.holds.memory && engine.holds.processes) counters = await findCounters(pid)
      else measured = { pid, limits }
    },

    // The engine's command is none of its processes.
    add: () => Promise.resolve(),

    async exceeded() {
      if (measured) return exceededInProc(measured.pid, measured.limits)
      if (!counters) return undefined
      // The group went with its container; whether that was for want of memory is in the engine's mind.
      if (!existsSync(counters.folder)) {
        return (await stateOf(engine, name, 'OOMKilled')) === 'true' ? 'memory' : undefined
      }
      for (const group of counters.groups) {
        const limit = await group.exceeded()
        if (limit !== undefined) return limit
      }
      return undefined
    },

    async kill() {
      if (removed) return 0
      const { exitCode, complaint } = await callEngine(engine, ['rm', '--force', '--volumes', name])
      if (exitCode !== 0 && (await stateOf(engine, name, 'Status')) !== undefined) {
        throw new Error(`The container ${name} cannot be removed: ${complaint}`)
      }
      removed = true
      // The engine has waited for their end.
      return 0
    },

    // Killing it removed it.
    remove: () => Promise.resolve(),
  }
}

/**
 * Ends and removes the containers with a label, and what they keep on the disk of the engine.
 * @returns how many there were
 */
export async function removeContainers(engine: ContainerEngine, label: string): Promise<number> {
  const listed = await requireEngine(engine, ['ps', '--all', '--quiet', '--filter', `label=${label}`])
  const ids = listed.split('\n').filter((line) => line !== '')
  if (ids.length > 0) await requireEngine(engine, ['rm', '--force', '--volumes', ...ids])
  return ids.length
}

/** What the host knows of a container that has been started. */
export async function startedContainer(
  engine: ContainerEngine,
  mark: string,
): Promise<{ pid: number; resolvConf: string }> {
  const format = '{{.State.Pid}} {{.ResolvConfPath}}'
  const answer = await requireEngine(engine, [
    'container',
    'inspect',
    '--format',
    format,
    containerName(mark),
  ])
  const [, pid, resolvConf] = /^([0-9]+) (.*)$/.exec(answer.trim()) ?? []
  return { pid: Number(pid), resolvConf: resolvConf! }
}

async function stateOf(engine: ContainerEngine, name: string, member: string): Promise<string | undefined> {
  const answer = await callEngine(engine, ['container', 'inspect', '--format', `{{.State.${member}}}`, name])
  return answer.exitCode === 0 ? answer.stdout.trim() : undefined
}

/** What the kernel counts of a container. */
interface Counters {
  folder: string
  groups: JobGroup[]
}

async function findCounters(pid: number): Promise<Counters | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT', 'ESRCH')) throw error
  })
  return text === undefined ? undefined : countersIn(text)
}

/**
 * The groups that count for a container, from the text of its first process's `/proc/<pid>/cgroup` (cgroups(7)). With cgroup
 * v2 the runtime may have put the processes into a group of their own below the one that has the limits.
 */
export function countersIn(text: string, root = '/sys/fs/cgroup'): Counters | undefined {
  const pathOf = (controllers: string) => new RegExp(`^[0-9]+:${controllers}:(/.+)$`, 'm').exec(text)?.[1]
  const memory = pathOf('(?:[^:]*,)?memory(?:,[^:]*)?')
  const pids = pathOf('(?:[^:]*,)?pids(?:,[^:]*)?')
  if (memory !== undefined && pids !== undefined) {
    const folders = { memory: join(root, 'memory', memory), pids: join(root, 'pids', pids) }
    return { folder: folders.pids, groups: [groupV1At({ ...folders, cpu: undefined })] }
  }
  const unified = pathOf('')
  if (unified === undefined) return undefined
  const folder = join(root, unified)
  const folders = basename(folder) === 'container' ? [folder, dirname(folder)] : [folder]
  return { folder, groups: folders.map(groupV2At) }
}
