import { join } from 'node:path'

import type { Executor } from '../executor.ts'
import { completeEnvironment } from './default-environment.ts'
import { buildUserName, dropTo, type HostOptions, reapSession, sessionShell } from './host-session.ts'
import { homeName, pathInside, prepareJobFolder } from './job-folder.ts'
import { jobMark } from './job-mark.ts'
import { passwdText, sandboxArguments, type SandboxView, workPlace } from './sandbox.ts'
import { seccompProgram } from './seccomp.ts'
import { openShellSession } from './shell-session.ts'

export interface BubblewrapOptions extends HostOptions {
  /** Absolute paths of the programs. */
  bwrap: string
  setpriv: string
  view: SandboxView
}

const descriptors = { stage: 4, sandbox: 5, passwd: 6, seccomp: 7 }

/** Runs builds in namespaces of their own, see {@link sandboxArguments}. */
export function openBubblewrapExecutor(options: BubblewrapOptions): Executor {
  const { instance, user, cgroups } = options
  const seccomp = seccompProgram(process.arch)
  return {
    name: 'bubblewrap',
    canCutNetwork: true,

    async open(session) {
      const mark = jobMark(instance, session.jobKey)
      const folder = await prepareJobFolder(session.workFolder, user)
      const home = join(workPlace, homeName)
      const { stage, sandbox } = sandboxArguments(folder, options.view, user, {
        passwd: descriptors.passwd,
        seccomp: seccomp && descriptors.seccomp,
        network: session.network,
        readableFolders: session.readableFolders,
      })
      const self = user ?? { uid: process.getuid!(), gid: process.getgid!() }
      return openShellSession({
        command: commandLine(options),
        cwd: '/',
        startFolder: join(workPlace, pathInside(session.workFolder, session.startFolder)),
        environment: completeEnvironment(
          session.environment,
          { home, temporary: '/tmp', path: options.path, user: buildUserName },
          mark,
        ),
        mark,
        inputs: [
          argumentList(stage ?? []),
          argumentList(sandbox),
          passwdText(self, buildUserName, home),
          ...(seccomp ? [seccomp] : []),
        ],
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

/**
 * The command line; what differs between jobs comes by descriptors. bwrap reads all its arguments before it starts
 * anything, so it waits there until its process is in the job's cgroup.
 */
function commandLine({ bwrap, setpriv, user }: BubblewrapOptions): string[] {
  const stageArguments = ['--args', String(descriptors.stage)]
  const sandboxOptions = ['--args', String(descriptors.sandbox)]
  // Without a stage its descriptor gives an empty list, and is closed by being read.
  if (!user) return [bwrap, ...stageArguments, ...sandboxOptions, '--', ...sessionShell]
  const inner = [bwrap, ...sandboxOptions, '--', ...sessionShell]
  return [bwrap, ...stageArguments, '--', setpriv, ...dropTo(user), ...inner]
}

function argumentList(words: string[]): string {
  return words.map((word) => `${word}\0`).join('')
}
