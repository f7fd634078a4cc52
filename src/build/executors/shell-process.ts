import { closeSync } from 'node:fs'

import { markVariable } from './job-mark.ts'
import { makeInputPipe, type OutputPipe } from './output-pipes.ts'
import { commandDescriptor, variablesBeyondShell } from './shell-script.ts'
import type { ShellOptions } from './shell-session.ts'

export interface ShellProcess {
  pid: number
  exited: Promise<number>
  /** Our end of what it is told commands by, then those of its descriptors 4, 5, … */
  descriptors: number[]
}

/**
 * Starts the command in a session of its own, so that Ctrl-C in the server's terminal is not for it. Its environment is the
 * mark, and names that no shell can export; the rest is told to bash. So a job's `LD_PRELOAD` or `PATH` means nothing to
 * the programs that make the sandbox, some of which run outside of it, and as root.
 */
export async function spawnShell(
  options: Pick<
    ShellOptions,
    'command' | 'commandsOnStdin' | 'cwd' | 'environment' | 'hostEnvironment' | 'inputs' | 'mark'
  >,
  pipes: OutputPipe[],
): Promise<ShellProcess> {
  const sockets = Array.from({ length: options.inputs.length + 1 }, () => 'pipe' as const)
  let stdin: OutputPipe | undefined
  try {
    stdin = options.commandsOnStdin && (await makeInputPipe())
    const child = Bun.spawn(options.command, {
      cwd: options.cwd,
      env: {
        ...variablesBeyondShell(options.environment),
        ...options.hostEnvironment,
        [markVariable]: options.mark,
      },
      stdio: [stdin?.readEnd ?? 'ignore', pipes[0]!.writeEnd, pipes[1]!.writeEnd, ...(stdin ? [] : sockets)],
      detached: true,
    })
    const descriptors = stdin ? [stdin.writeEnd] : child.stdio.slice(commandDescriptor).map(Number)
    return { pid: child.pid, exited: child.exited, descriptors }
  } catch (error) {
    for (const { readEnd } of pipes) closeSync(readEnd)
    if (stdin) closeSync(stdin.writeEnd)
    throw error
  } finally {
    if (stdin) closeSync(stdin.readEnd)
    for (const { writeEnd } of pipes) closeSync(writeEnd)
  }
}
