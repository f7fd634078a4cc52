import { join } from 'node:path'

import type { BuildSession, Executor, SessionOptions } from '../executor.ts'
import { completeEnvironment } from './default-environment.ts'
import { buildUserName, dropTo, type HostOptions, reapSession, sessionShell } from './host-session.ts'
import { homeName, pathInside, prepareJobFolder } from './job-folder.ts'
import { jobMark } from './job-mark.ts'
import type { OwnNetwork, SessionNetwork } from './own-network.ts'
import { passwdText, sandboxArguments, type SandboxView, workPlace } from './sandbox.ts'
import { seccompProgram } from './seccomp.ts'
import { openShellSession } from './shell-session.ts'

export interface BubblewrapOptions extends HostOptions {
  /** Absolute paths of the programs. */
  bwrap: string
  setpriv: string
  view: SandboxView
  /** Where it is missing, builds share the network of the host. */
  network: OwnNetwork | undefined
}

/** Of what is given to bwrap in any case; the others follow. */
const descriptors = { stage: 4, sandbox: 5, passwd: 6 }

/** Runs builds in namespaces of their own, see {@link sandboxArguments}. */
export function openBubblewrapExecutor(options: BubblewrapOptions): Executor {
  const { instance, user, cgroups } = options
  const seccomp = seccompProgram(process.arch)
  /** Networks of jobs, by mark, until their sessions come for them. */
  const begun = new Map<string, SessionNetwork>()

  function takeNetwork(mark: string): SessionNetwork | undefined {
    const network = begun.get(mark) ?? options.network?.begin(mark)
    begun.delete(mark)
    return network
  }

  async function open(session: SessionOptions, network: SessionNetwork | undefined): Promise<BuildSession> {
    const mark = jobMark(instance, session.jobKey)
    const folder = await prepareJobFolder(session, user)
    const home = join(workPlace, homeName)
    const self = user ?? { uid: process.getuid!(), gid: process.getgid!() }
    const data = {
      passwd: passwdText(self, buildUserName, home),
      ...(network && { resolver: await network.resolverText() }),
      ...(seccomp && { seccomp }),
    }
    const dataDescriptors = Object.keys(data).map((name, index) => [name, descriptors.passwd + index])
    const { stage, sandbox } = sandboxArguments(folder, options.view, user, {
      self,
      descriptors: { passwd: descriptors.passwd, ...Object.fromEntries(dataDescriptors) },
      network: session.network,
      readableFolders: session.readableFolders,
    })
    const command = commandLine(options)
    return openShellSession({
      command: network ? await network.commandInside(command) : command,
      cwd: '/',
      startFolder: join(workPlace, pathInside(session.workFolder, session.startFolder)),
      environment: completeEnvironment(
        session.environment,
        { home, temporary: '/tmp', path: options.path, user: buildUserName },
        mark,
      ),
      mark,
      inputs: [argumentList(stage ?? []), argumentList(sandbox), ...Object.values(data)],
      network,
      user,
      group: await cgroups?.create(mark, session.limits),
      workFolder: folder.work,
      limits: session.limits,
      onOutput: session.onOutput,
    })
  }

  return {
    name: 'bubblewrap',
    canCutNetwork: true,
    sharesNetwork: options.network === undefined,

    prepare(jobKey) {
      const mark = jobMark(instance, jobKey)
      const network = options.network?.begin(mark)
      if (network) begun.set(mark, network)
      return async () => {
        if (begun.delete(mark)) await network?.end()
      }
    },

    async open(session) {
      const network = session.network ? takeNetwork(jobMark(instance, session.jobKey)) : undefined
      try {
        return await open(session, network)
      } catch (error) {
        await network?.end()
        throw error
      }
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
