import type { RegistryCredentials } from '../model/settings.ts'

/**
 * Where the commands of a build run. One interface, one file per kind in `executors/`, one contract test for all
 * (`test/contracts/executor.test.ts`).
 */
export interface Executor {
  readonly name: 'bubblewrap' | 'docker' | 'process'
  /** Whether it can keep commands from the network, as {@link SessionOptions.network} asks. */
  readonly canCutNetwork: boolean
  /** Whether commands with a network reach the loopback services of the host, and link-local addresses. */
  readonly sharesNetwork: boolean
  /** What else builds reach in the network that they should not, and what would close it; undefined where nothing is open. */
  readonly networkWarning?: string | undefined

  /**
   * Begins, ahead of {@link Executor.open}, what the first session of a job with a network will wait for.
   * @returns what ends it again, where no session was opened
   */
  prepare?(jobKey: string): () => Promise<void>

  /**
   * Starts one bash session. A job has one at a time. Programs of the repository may run before it resolves, by a variable or an
   * image that the repository or its owner has chosen.
   * @throws {import('./build-failed.ts').BuildFailed} when the image that the user chose cannot be had or does not fit
   * @throws any other error when the session cannot be started: the server's trouble, not the user's
   */
  open(options: SessionOptions): Promise<BuildSession>

  /**
   * Ends whatever is left of a session that this process, or one before it, opened for the job, and frees its cgroup
   * and mounts. Does nothing where nothing is left.
   */
  reap(jobKey: string): Promise<void>
}

export interface SessionOptions {
  /** Names the session to {@link Executor.reap}. */
  jobKey: string
  /**
   * The job's own folder on the host: the only one the commands can write, besides temporary ones. At the job's first
   * session all that is in it is handed to the build's user, so it must be complete by then; later additions stay the
   * server's own. The executor adds `.preamp-home` and `.preamp-tmp-…`. Commands may see it elsewhere (`/build`).
   */
  workFolder: string
  /** Folder in which the first command starts, which exists: a path on the host, or relative to `workFolder`. */
  startFolder: string
  /** The whole environment of the commands, but for what the executor adds: HOME, PATH, TMPDIR where absent. */
  environment: Record<string, string>
  limits: SessionLimits
  /** Whether the commands reach the network: {@link Executor.sharesNetwork} says which. */
  network: boolean
  /** Folders of the server that the commands see at their own paths and cannot write: toolchains. */
  readableFolders: readonly string[]
  /** The image in which the commands run, where the executor has images and the app names one. */
  image?: CustomImage | undefined
  /**
   * Called when the work folder is the build's user's, and before anything is started that could read or write it: whatever
   * the server itself does in it must be done then.
   */
  onFolderReady?: (() => Promise<void>) | undefined
  /** Ends a wait of `open` for what is not on this machine: an image. */
  signal?: AbortSignal | undefined
  /** Called with the output as it comes, in order within each stream. */
  onOutput(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
}

export interface CustomImage {
  reference: string
  /** Whom the app is at the registry. */
  credentials: RegistryCredentials | undefined
}

export interface SessionLimits {
  memoryBytes: number
  processesMax: number
  /** Processors' worth of time. */
  cpus: number
  /** Of what is in the work folder, measured now and then. */
  diskBytes: number
}

export interface BuildSession {
  /**
   * Runs one command in the session's shell: `cd`, `export`, functions and options persist to the next. The command's
   * stdin is empty. Resolves when the command ended and its output was delivered; what it left in the background goes on
   * until the session ends. After any result but `exited` the session is over: the same result answers every further call.
   */
  run(command: string): Promise<CommandResult>

  /** Takes the shell back to the folder in which the session started: what `run` answers for `cd`. */
  returnToStart(): Promise<CommandResult>

  /**
   * Ends every process of the session, whatever they do about it; resolves when all are gone, within
   * `limits.stopSecondsMax`. Safe to call twice, and required in the end: the output folder is read only afterwards.
   */
  stop(): Promise<void>
}

export type CommandResult =
  | { kind: 'exited'; exitCode: number }
  /** The command ended the shell itself, as `exit 3` does; later commands of the section do not run. */
  | { kind: 'shell-ended'; exitCode: number }
  /** The session went over a limit and was ended. */
  | { kind: 'limit'; reason: string }
  /** `stop` was called meanwhile. */
  | { kind: 'stopped' }
