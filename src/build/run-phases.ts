import { BuildFailed } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'
import type { BuildPhase } from './build-spec.ts'
import type { BuildSession, Executor, SessionOptions } from './executor.ts'

/**
 * Runs the phases of a build spec in one shell session. When it resolves or throws, every process of the session is gone.
 * @param onOpen called when the session stands, before its first command
 * @throws {BuildFailed} at the first command that fails; the signal's reason when it was stopped
 */
export async function runPhases(
  executor: Executor,
  phases: BuildPhase[],
  options: Omit<SessionOptions, 'onOutput'> & {
    log: BuildLog
    signal: AbortSignal
    onOpen(): Promise<void>
  },
): Promise<void> {
  const { log, signal, onOpen, ...sessionOptions } = options
  signal.throwIfAborted()
  const session = await executor.open({
    ...sessionOptions,
    onOutput: (stream, bytes) => log.output(stream, bytes),
  })
  // A stop that fails is not lost: the one below, which everything waits for, fails as well.
  const stop = () => void session.stop().catch(() => undefined)
  signal.addEventListener('abort', stop)
  try {
    signal.throwIfAborted()
    await onOpen()
    for (const phase of phases) {
      if (phase.commands.length === 0) continue
      log.write('INFO', `# Starting phase: ${phase.name}`)
      const ended = await runCommands(session, phase.commands, log, signal)
      log.write('INFO', `# Completed phase: ${phase.name}`)
      if (ended) break
    }
  } finally {
    signal.removeEventListener('abort', stop)
    await session.stop()
  }
}

/** True when a command ended the shell with success, so that no further one can run. */
async function runCommands(
  session: BuildSession,
  commands: string[],
  log: BuildLog,
  signal: AbortSignal,
): Promise<boolean> {
  for (const command of commands) {
    signal.throwIfAborted()
    log.write('INFO', `# Executing command: ${command}`)
    const result = await session.run(command)
    log.flushOutput()
    signal.throwIfAborted()
    if (result.kind === 'stopped') throw new Error('The build session was stopped by nobody')
    if (result.kind === 'limit') throw new BuildFailed(result.reason, ['Build failed', result.reason])
    if (result.exitCode !== 0) throw commandFailed(command, result.exitCode)
    if (result.kind === 'shell-ended') {
      log.write('WARNING', '# The command ended the shell: the commands after it are not run.')
      return true
    }
  }
  return false
}

/** The log's two lines are those of Amplify (contract/hosting-behaviour.md §1.9). */
function commandFailed(command: string, exitCode: number): BuildFailed {
  const shown = command.length > 200 ? `${command.slice(0, 200)}…` : command
  return new BuildFailed(`The command ended with status ${exitCode}: ${shown}`, [
    'Build failed',
    'Non-Zero Exit Code detected',
  ])
}
