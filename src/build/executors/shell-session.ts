import { randomBytes } from 'node:crypto'
import { closeSync } from 'node:fs'

import { quoteForShell } from '../../model/shell-quote.ts'
import type { BuildSession, CommandResult } from '../executor.ts'
import type { JobGroup } from './cgroup.ts'
import { createCommandTurn } from './command-turn.ts'
import { watchDiskUse } from './disk-use.ts'
import { endProcesses } from './end-processes.ts'
import { watchLimits } from './limit-watch.ts'
import { scanForMarkers } from './marker-scanner.ts'
import { makeOutputPipes, pump } from './output-pipes.ts'
import type { SessionNetwork } from './own-network.ts'
import { countThreadsOfUser } from './process-tree.ts'
import { spawnShell } from './shell-process.ts'
import { exportCommand, isShellName, shellMessage } from './shell-script.ts'
import { writeAll } from './write-all.ts'

export interface ShellOptions {
  /** The whole command line, which ends in a bash that runs the session script. */
  command: string[]
  /** Whether the commands are told on standard input, where the command line hands no other descriptor on. */
  commandsOnStdin?: true
  /** Further variables of the command itself, which the session's commands do not get by it. */
  hostEnvironment?: Record<string, string>
  /** Host folder in which the command is started. */
  cwd: string
  /** Folder in which the first command of the session starts, as the commands see it. */
  startFolder: string
  /** Environment of the commands, complete. */
  environment: Record<string, string>
  mark: string
  /** Given to the command on descriptors 4, 5, …, once its process is in its cgroup. */
  inputs: (string | Uint8Array)[]
  /** In which the command is started: the session waits until it is connected, and ends with it. */
  network?: SessionNetwork | undefined
  /** User to whom a server that runs as root drops the commands. */
  user: { uid: number; gid: number } | undefined
  group: JobGroup | undefined
  /** On the host: measured against the limit of the disk. */
  workFolder: string
  limits: { memoryBytes: number; processesMax: number; diskBytes: number }
  onOutput(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
}

const limitCheckMilliseconds = 250
const startSecondsMax = 30
const lastOutputMillisecondsMax = 1000

/**
 * Starts a bash and resolves when it waits for its first command.
 * @throws when it cannot be started, with what it wrote about that
 */
export async function openShellSession(options: ShellOptions): Promise<BuildSession> {
  const { group, mark, limits } = options
  const nonce = randomBytes(16).toString('hex')
  const pipes = await makeOutputPipes(options.user)
  const child = await spawnShell(options, pipes)
  const [commandSocket, ...inputSockets] = child.descriptors
  const watch = watchLimits(child.pid, group, limits)

  const turn = createCommandTurn()
  let ended: CommandResult | undefined
  let opening = true
  let complaint = ''

  const deliver = (stream: 'stdout' | 'stderr', bytes: Uint8Array): void => {
    if (opening) complaint = (complaint + new TextDecoder().decode(bytes)).slice(-4096)
    else options.onOutput(stream, bytes)
  }
  const markerSeen = (exitCode: number): void => {
    const status = ended ? undefined : turn.markerSeen(exitCode)
    if (status !== undefined) void commandEnded(status)
  }
  const outputs = pipes.map(({ readEnd }, index) => {
    const stream = index === 0 ? 'stdout' : 'stderr'
    return pump(
      readEnd,
      scanForMarkers(nonce, (bytes) => deliver(stream, bytes), markerSeen),
    )
  })

  /** Both streams are delivered up to the command's end; what the kernel counted meanwhile decides what that end was. */
  async function commandEnded(exitCode: number): Promise<void> {
    const reason = await watch.check()
    if (ended) return
    if (reason !== undefined) return endWith({ kind: 'limit', reason })
    turn.finish({ kind: 'exited', exitCode })
  }

  function endWith(result: CommandResult): void {
    const end = (ended ??= result)
    // That processes could not be ended is told by stop(), which is called in any case.
    const tellRun = (): void => turn.finish(end)
    terminate().then(tellRun, tellRun)
  }

  let termination: Promise<void> | undefined
  function terminate(): Promise<void> {
    termination ??= (async () => {
      clearInterval(limitTimer)
      disk.stop()
      try {
        await endProcesses({ mark, root: child.pid, group })
      } finally {
        await Promise.race([
          Promise.all(outputs.map((output) => output.done)),
          Bun.sleep(lastOutputMillisecondsMax),
        ])
        await Promise.all(outputs.map((output) => output.cancel()))
        await writing
        closeSync(commandSocket!)
      }
      await child.exited
    })()
    return termination
  }

  const limitTimer = setInterval(() => {
    void watch.check().then((reason) => {
      if (reason !== undefined && !ended) endWith({ kind: 'limit', reason })
    })
  }, limitCheckMilliseconds)

  const disk = watchDiskUse(options.workFolder, limits.diskBytes, (reason) => {
    if (!ended) endWith({ kind: 'limit', reason })
  })

  void child.exited.then(async (exitCode) => {
    if (ended) return
    // Asked before the group is removed: the kernel may have ended the shell itself for want of memory.
    const reason = await watch.check()
    endWith(reason === undefined ? { kind: 'shell-ended', exitCode } : { kind: 'limit', reason })
  })

  let writing: Promise<unknown> = Promise.resolve()
  function send(message: string): Promise<CommandResult> {
    if (ended) return Promise.resolve(ended)
    const result = turn.begin()
    // A shell that is gone takes no more; its end is what the caller hears of.
    writing = writeAll(commandSocket!, message, () => ended !== undefined)
    return result
  }

  async function begin(): Promise<void> {
    try {
      await group?.add(child.pid)
      for (const input of options.inputs) {
        await writeAll(inputSockets[0]!, input, () => ended !== undefined)
        // The reader takes the end of the text from the end of the connection.
        closeSync(inputSockets.shift()!)
      }
    } finally {
      for (const socket of inputSockets) closeSync(socket)
    }
    const processesMax = group
      ? undefined
      : limits.processesMax + (await countThreadsOfUser(userIdOf(options)))
    const steps = [
      shellMessage(nonce),
      shellMessage(exportCommand(shellVariables(options.environment))),
      ...(processesMax === undefined ? [] : [shellMessage(`ulimit -u ${processesMax}`)]),
      shellMessage(`cd -- ${quoteForShell(options.startFolder)} && unset OLDPWD`),
    ]
    for (const step of steps) {
      const result = await send(step)
      if (result.kind !== 'exited' || result.exitCode !== 0) {
        throw new Error(`The build's shell did not start: ${JSON.stringify(result)}`)
      }
    }
    opening = false
  }

  const late = setTimeout(() => {
    if (!ended) endWith({ kind: 'limit', reason: `It was not ready within ${startSecondsMax} s.` })
  }, startSecondsMax * 1000)
  try {
    await Promise.all([options.network?.connected, begin()])
  } catch (error) {
    ended ??= { kind: 'stopped' }
    await terminate()
    throw complaint === ''
      ? error
      : new Error(`The build's shell did not start: ${complaint.trim()}`, { cause: error })
  } finally {
    clearTimeout(late)
  }

  void options.network?.broken.then(() => {
    if (!ended) endWith({ kind: 'limit', reason: 'The network of the build broke down.' })
  })
  return {
    run: async (command) => send(shellMessage(command)),
    returnToStart: async () => send(shellMessage(`builtin cd -- ${quoteForShell(options.startFolder)}`)),
    async stop() {
      if (!ended) endWith({ kind: 'stopped' })
      await terminate()
    },
  }
}

function shellVariables(environment: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isShellName(name)))
}

function userIdOf(options: ShellOptions): number {
  return options.user?.uid ?? process.getuid!()
}
