import type { Cgroups } from './cgroup.ts'
import { endProcesses } from './end-processes.ts'
import type { BuildUser } from './job-folder.ts'
import { jobMark } from './job-mark.ts'
import { sessionScript } from './shell-script.ts'

/** What every executor is given that runs commands on this machine. */
export interface HostOptions {
  /** Path of the data directory: tells this server's jobs from another's on the same machine. */
  instance: string
  /** Given exactly when the server runs as root. */
  user: BuildUser | undefined
  cgroups: Cgroups | undefined
  /** PATH of the commands. */
  path: string
}

/** As the commands see the build's user. */
export const buildUserName = 'preamp'

/** The command line of the shell in which a session's commands run. */
export const sessionShell = ['/bin/bash', '--noprofile', '--norc', '-c', sessionScript, 'bash']

/** Arguments by which setpriv becomes the build's user, for good. */
export function dropTo({ uid, gid }: BuildUser): string[] {
  return [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs']
}

/** {@link import('../executor.ts').Executor.reap} */
export function reapSession({ instance, cgroups }: HostOptions, jobKey: string): Promise<void> {
  const mark = jobMark(instance, jobKey)
  return endProcesses({ mark, group: cgroups?.find(mark) })
}
