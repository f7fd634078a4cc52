import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

import { hasCode } from '../model/error-code.ts'
import { parseStat } from '../model/process-stat.ts'

/** A process by pid and the time the kernel started it: a pid alone may meanwhile be somebody else's. */
export interface ProcessIdentity {
  pid: number
  /** In clock ticks since boot; field 22 of `/proc/<pid>/stat` (proc(5)). Empty where there is no /proc. */
  startedAt: string
}

/** As the file of the edges names one. */
export interface EdgeRecord extends ProcessIdentity {
  /** On which it was told to listen; 0 while it looks for a free one. */
  port: number
  /** Absent where TLS does not end here. */
  tlsPort?: number
}

export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const { zombie, started } = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    // A zombie serves nothing and cannot be killed again.
    return zombie ? undefined : { pid, startedAt: started }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt
}

/** The edges that a former control process wrote down and that still live. */
export function readFormerEdges(file: string): EdgeRecord[] {
  return readEdges(file).filter(isAlive)
}

/** Whether a control process, dead or alive, counts on this edge. */
export function isWrittenDown(file: string, pid: number): boolean {
  return readEdges(file).some((edge) => edge.pid === pid)
}

function readEdges(file: string): EdgeRecord[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as EdgeRecord[]) : []
}

export function writeEdges(file: string, edges: EdgeRecord[]): void {
  const temporary = `${file}.tmp`
  writeFileSync(temporary, JSON.stringify(edges), { mode: 0o600, flush: true })
  renameSync(temporary, file)
}

/**
 * Asks each process to end by SIGTERM, which lets an edge answer what it is at, and ends it by SIGKILL when it takes longer.
 * @param milliseconds how long it may take
 */
export async function endEdges(identities: ProcessIdentity[], milliseconds: number): Promise<void> {
  const deadline = Date.now() + milliseconds
  for (const identity of identities) signal(identity, 'SIGTERM')
  while (identities.some(isAlive) && Date.now() < deadline) await Bun.sleep(10)
  for (const identity of identities) signal(identity, 'SIGKILL')
}

function signal(identity: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
