import { readdir, readFile, stat } from 'node:fs/promises'

import { hasCode } from '../../model/error-code.ts'
import { type HostProcess, parseStat } from '../../model/process-stat.ts'
import { markVariable } from './job-mark.ts'

/** Every process that `/proc` shows. Those that end meanwhile are left out. */
export async function listProcesses(): Promise<HostProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  const found = await Promise.all(pids.map((pid) => readProcFile(`/proc/${pid}/stat`)))
  return found.flatMap((text) => (text === undefined ? [] : [parseStat(text)]))
}

/** Those of `processes` that descend from `root`, `root` itself included, and those that share its session. */
export function familyOf(root: number, processes: HostProcess[]): HostProcess[] {
  const children = Map.groupBy(processes, (process) => process.parent)
  const family = new Map<number, HostProcess>()
  const grow = (process: HostProcess): void => {
    if (family.has(process.pid)) return
    family.set(process.pid, process)
    for (const child of children.get(process.pid) ?? []) grow(child)
  }
  for (const process of processes) if (process.pid === root || process.session === root) grow(process)
  return [...family.values()]
}

/** Those of `processes` whose environment carries the job's mark. */
export async function markedProcesses(mark: string, processes: HostProcess[]): Promise<HostProcess[]> {
  const wanted = `${markVariable}=${mark}`
  const marked = await Promise.all(
    processes.map(async ({ pid }) => {
      const environ = await readProcFile(`/proc/${pid}/environ`)
      return environ?.split('\0').includes(wanted) ?? false
    }),
  )
  return processes.filter((_, index) => marked[index])
}

/** Processes and threads of one user at this moment: what RLIMIT_NPROC counts. */
export async function countThreadsOfUser(uid: number): Promise<number> {
  const counts = await Promise.all(
    (await listProcesses()).map(async ({ pid, threads }) => {
      const owner = await stat(`/proc/${pid}`).catch(ignoreGone)
      return owner?.uid === uid ? threads : 0
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Memory of processes in bytes; pages that several share count in full for each, so it is at least what they use. */
export async function residentBytes(processes: HostProcess[]): Promise<number> {
  const pages = await Promise.all(
    processes.map(async ({ pid }) => Number((await readProcFile(`/proc/${pid}/statm`))?.split(' ')[1] ?? 0)),
  )
  return pages.reduce((sum, count) => sum + count, 0) * pageBytes
}

/** Memory of processes in bytes, shared pages divided among their users: exact, and too slow to ask for often. */
export async function proportionalBytes(processes: HostProcess[]): Promise<number> {
  const kibibytes = await Promise.all(
    processes.map(async ({ pid }) => {
      const rollup = await readProcFile(`/proc/${pid}/smaps_rollup`)
      return Number(/^Pss:\s+([0-9]+) kB$/m.exec(rollup ?? '')?.[1] ?? 0)
    }),
  )
  return kibibytes.reduce((sum, count) => sum + count, 0) * 1024
}

/** Sends a signal; a process that is gone already, or is not ours to signal, is left alone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error
  }
}

const pageBytes = 4096

/** Text of a file below `/proc/<pid>`, or undefined where the process is gone or not ours to look into. */
async function readProcFile(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(ignoreGone)
}

function ignoreGone(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
}
