import { BuildFailed, customerError } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'
import type { BuildPhase } from './build-spec.ts'
import type { BuildSession, CommandResult, Executor, SessionOptions } from './executor.ts'

export interface BuildShellOptions extends Omit<SessionOptions, 'onOutput'> {
  /** A command of ours, with which each session begins. */
  preparation: string
  /** Where output goes while no section runs. */
  log: BuildLog
  signal: AbortSignal
}

/** Runs whatever became of the phases before it, as on Amplify: it makes the reports of tests that failed. */
const alwaysRun: BuildPhase['name'] = 'postTest'

/**
 * The shell of a build, in which its sections run one after another: what is exported in one is there in the next, and each
 * begins in the start folder (contract/hosting-behaviour.md §1.3). It is opened with the first command, so that a build
 * without any has none.
 */
export class BuildShell {
  readonly #executor: Executor
  readonly #options: BuildShellOptions
  readonly #stop: () => void
  #session: BuildSession | undefined
  #wasOpen = false
  #log: BuildLog

  constructor(executor: Executor, options: BuildShellOptions) {
    this.#executor = executor
    this.#options = options
    this.#log = options.log
    // A stop that fails is not lost: the one in end(), which everything waits for, fails as well.
    this.#stop = () => void this.#session?.stop().catch(() => undefined)
    options.signal.addEventListener('abort', this.#stop)
  }

  /**
   * Runs the phases of one section, with their output to the given log.
   * @throws {BuildFailed} for the first command that failed; the signal's reason when the build was stopped
   */
  async run(phases: BuildPhase[], log: BuildLog): Promise<void> {
    const withCommands = phases.filter(({ commands }) => commands.length > 0)
    if (withCommands.length === 0) return
    this.#log = log
    try {
      const session = await this.#enter()
      await this.#runPhases(session, withCommands, log)
    } finally {
      log.flushOutput()
      this.#log = this.#options.log
    }
  }

  /** Ends every process of the commands; what they left can be read afterwards. Safe to call twice. */
  async end(): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#stop)
    await this.#session?.stop()
  }

  /** The session in its start folder; a new one where a command has ended the shell. */
  async #enter(): Promise<BuildSession> {
    this.#options.signal.throwIfAborted()
    const result = await this.#session?.returnToStart()
    this.#options.signal.throwIfAborted()
    if (result?.kind === 'exited' && result.exitCode === 0) return this.#session!
    if (result?.kind === 'exited') {
      throw new BuildFailed('The commands removed the folder in which the next section starts')
    }
    if (result && result.kind !== 'shell-ended') throw ended(result)
    await this.#session?.stop()
    return this.#open()
  }

  async #open(): Promise<BuildSession> {
    const { log: _, signal, preparation, onFolderReady, ...options } = this.#options
    if (!options.network && !this.#executor.canCutNetwork) {
      throw customerError(
        `The app's builds are to run without a network, which the executor ${this.#executor.name} of this server cannot do. Install bubblewrap on it, or allow the network (preamp options)`,
      )
    }
    this.#session = await this.#executor.open({
      ...options,
      signal,
      onFolderReady: this.#wasOpen ? undefined : onFolderReady,
      onOutput: (stream, bytes) => this.#log.output(stream, bytes),
    })
    this.#wasOpen = true
    // Whoever stopped the build meanwhile found no session to end.
    signal.throwIfAborted()
    await this.#session.run(preparation)
    signal.throwIfAborted()
    return this.#session
  }

  async #runPhases(session: BuildSession, phases: BuildPhase[], log: BuildLog): Promise<void> {
    let failure: BuildFailed | undefined
    for (const { name, commands } of phases) {
      if (failure && name !== alwaysRun) continue
      if (failure) log.write('WARNING', `# ${failure.message}. The phase ${name} is run all the same.`)
      log.write('INFO', `# Starting phase: ${name}`)
      const end = await this.#runCommands(session, commands, log)
      if (end instanceof BuildFailed) failure ??= end
      else log.write('INFO', `# Completed phase: ${name}`)
      if (end === 'shell-ended') break
    }
    if (failure) throw failure
  }

  async #runCommands(
    session: BuildSession,
    commands: string[],
    log: BuildLog,
  ): Promise<'completed' | 'shell-ended' | BuildFailed> {
    const { signal } = this.#options
    for (const command of commands) {
      signal.throwIfAborted()
      log.write('INFO', `# Executing command: ${command}`)
      const result = await session.run(command)
      log.flushOutput()
      signal.throwIfAborted()
      if (result.kind === 'stopped' || result.kind === 'limit') throw ended(result)
      const failure = result.exitCode === 0 ? undefined : commandFailed(command, result.exitCode)
      if (failure && result.kind === 'shell-ended') throw failure
      if (failure) return failure
      if (result.kind === 'shell-ended') {
        log.write('WARNING', '# The command ended the shell: the commands after it are not run.')
        return 'shell-ended'
      }
    }
    return 'completed'
  }
}

function ended(result: Extract<CommandResult, { kind: 'limit' | 'stopped' }>): Error {
  if (result.kind === 'stopped') return new Error('The build session was stopped by nobody')
  return new BuildFailed(result.reason, ['Build failed', result.reason])
}

/** The log's two lines are those of Amplify (contract/hosting-behaviour.md §1.9). */
function commandFailed(command: string, exitCode: number): BuildFailed {
  return new BuildFailed(`The command ended with status ${exitCode}: ${command}`, [
    'Build failed',
    'Non-Zero Exit Code detected',
  ])
}
