/** A process of this machine, as the kernel tells of it. */
export interface HostProcess {
  pid: number
  parent: number
  session: number
  threads: number
  /** Clock tick at which it started: with the pid it names a process for good, since pids are used again. */
  started: string
  /** Ended, and only waiting for its parent to notice. */
  zombie: boolean
}

/** Reads one line of `/proc/<pid>/stat` (proc(5)). The second field is the program's name and may hold anything. */
export function parseStat(text: string): HostProcess {
  const afterName = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): string => afterName[number - 3] ?? ''
  return {
    pid: Number.parseInt(text, 10),
    zombie: field(3) === 'Z' || field(3) === 'X',
    parent: Number(field(4)),
    session: Number(field(6)),
    threads: Number(field(20)),
    started: field(22),
  }
}
