import { lstatSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, resolve } from 'node:path'

import type { Executor } from '../executor.ts'
import { completeEnvironment } from './default-environment.ts'
import { buildUserName, dropTo, type HostOptions, reapSession, sessionShell } from './host-session.ts'
import { type BuildUser, pathInside, prepareJobFolder } from './job-folder.ts'
import { jobMark } from './job-mark.ts'
import { openShellSession } from './shell-session.ts'

export interface ProcessOptions extends HostOptions {
  /** Absolute path of setpriv; without it nothing is dropped. */
  setpriv: string | undefined
}

/**
 * Runs builds as plain processes beside the server: for machines where bubblewrap cannot work. It ends and limits them as
 * the sandbox does, and hides nothing. A server that runs as root drops them to the build's user where that user can reach
 * the job's folder.
 */
export function openProcessExecutor(options: ProcessOptions): Executor {
  const { instance, cgroups, setpriv } = options
  return {
    name: 'process',
    canCutNetwork: false,
    sharesNetwork: true,

    async open(session) {
      const mark = jobMark(instance, session.jobKey)
      const work = resolve(session.workFolder)
      const user = setpriv !== undefined && isReachableByOthers(dirname(work)) ? options.user : undefined
      const folder = await prepareJobFolder({ ...session, workFolder: work }, user)
      return openShellSession({
        command: commandLine(setpriv, user),
        cwd: '/',
        startFolder: resolve(work, pathInside(work, session.startFolder)),
        environment: completeEnvironment(
          session.environment,
          {
            home: folder.home,
            temporary: folder.temporary,
            path: options.path,
            user: user ? buildUserName : userInfo().username,
          },
          mark,
        ),
        mark,
        inputs: [],
        user,
        group: await cgroups?.create(mark, session.limits),
        workFolder: folder.work,
        limits: session.limits,
        onOutput: session.onOutput,
      })
    },

    reap: (jobKey) => reapSession(options, jobKey),
  }
}

/** Whether users other than its owner may pass through a folder and all above it. */
export function isReachableByOthers(folder: string): boolean {
  const passable = (lstatSync(folder).mode & 0o001) !== 0
  return passable && (folder === '/' || isReachableByOthers(dirname(folder)))
}

function commandLine(setpriv: string | undefined, user: BuildUser | undefined): string[] {
  if (!user || setpriv === undefined) return sessionShell
  return [setpriv, ...dropTo(user), ...sessionShell]
}
