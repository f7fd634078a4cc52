/** Docker or Podman, by its command. Every call is a process of its own with an array of arguments. */
export interface ContainerEngine {
  kind: 'docker' | 'podman'
  /** Absolute path of the command. */
  command: string
  /** As the engine names itself. */
  version: string
  /** Whether it runs as a user that is not root: that user is then root in what it calls the host. */
  rootless: boolean
  /** Which limits it holds: without root that takes cgroups that were handed to the user. */
  holds: { memory: boolean; processes: boolean; cpus: boolean }
  /** Variables with which the command is called: where its daemon and its settings are, and nothing of the server's own. */
  environment: Record<string, string>
}

export interface EngineAnswer {
  exitCode: number
  stdout: string
  /** What the engine said about a failure, without the time and the level that some begin with. */
  complaint: string
}

export interface EngineCallOptions {
  /** Ends the call; the promise then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  secondsMax?: number
  /** Further variables of the command. */
  environment?: Record<string, string>
}

/** Far more than any call takes but a pull, which has a limit of its own. */
const callSecondsMax = 60

const engineVariables =
  /^(PATH|HOME|USER|TMPDIR|XDG_[A-Z_]+|DOCKER_[A-Z_]+|CONTAINERS?_[A-Z_]+|STORAGE_[A-Z_]+|REGISTRY_AUTH_FILE|DBUS_SESSION_BUS_ADDRESS|SSL_CERT_(FILE|DIR)|(https?|no|all)_proxy)$/i

/**
 * Finds an engine that answers.
 * @param wanted name or path of the command; without one docker and podman are tried
 * @returns the reason of each that does not answer
 */
export async function findEngine(
  wanted: string | undefined,
  server: Record<string, string | undefined>,
): Promise<ContainerEngine | string> {
  const reasons: string[] = []
  for (const name of wanted === undefined ? ['docker', 'podman'] : [wanted]) {
    const engine = await openEngine(name, server)
    if (typeof engine !== 'string') return engine
    reasons.push(engine)
  }
  return reasons.join(' ')
}

async function openEngine(
  name: string,
  server: Record<string, string | undefined>,
): Promise<ContainerEngine | string> {
  const command = Bun.which(name, { PATH: server['PATH'] ?? '' })
  if (command === null) return `${name} is not installed.`
  const environment = Object.fromEntries(
    Object.entries(server).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && engineVariables.test(entry[0]),
    ),
  )
  const unknown = { command, environment }
  const named = await callEngine(unknown, ['--version'])
  // The package podman-docker calls Podman by Docker's name.
  const kind = /^podman/i.test(named.stdout) ? 'podman' : 'docker'
  const info = await callEngine(unknown, ['info', '--format', '{{json .}}'])
  if (info.exitCode !== 0) return `${name} does not work: ${info.complaint}`
  const abilities = kind === 'podman' ? podmanAbilities(info.stdout) : dockerAbilities(info.stdout)
  return { ...unknown, kind, version: named.stdout.trim(), ...abilities }
}

type Abilities = Pick<ContainerEngine, 'rootless' | 'holds'>

function dockerAbilities(info: string): Abilities {
  const { SecurityOptions, MemoryLimit, PidsLimit, CpuCfsQuota } = JSON.parse(info) as {
    SecurityOptions: string[]
    MemoryLimit: boolean
    PidsLimit: boolean
    CpuCfsQuota: boolean
  }
  return {
    rootless: SecurityOptions.includes('name=rootless'),
    holds: { memory: MemoryLimit, processes: PidsLimit, cpus: CpuCfsQuota },
  }
}

function podmanAbilities(info: string): Abilities {
  const { host } = JSON.parse(info) as {
    host: { security: { rootless: boolean }; cgroupVersion: string; cgroupControllers: string[] | null }
  }
  const { rootless } = host.security
  // Version 1 hands nothing to users, and root has all of it.
  const holds = (controller: string): boolean =>
    !rootless || (host.cgroupVersion === 'v2' && (host.cgroupControllers ?? []).includes(controller))
  return { rootless, holds: { memory: holds('memory'), processes: holds('pids'), cpus: holds('cpu') } }
}

/**
 * Calls the engine and waits for its end.
 * @throws the signal's reason when that is aborted meanwhile
 */
export async function callEngine(
  engine: Pick<ContainerEngine, 'command' | 'environment'>,
  engineArguments: string[],
  { signal, secondsMax = callSecondsMax, environment = {} }: EngineCallOptions = {},
): Promise<EngineAnswer> {
  signal?.throwIfAborted()
  const child = Bun.spawn([engine.command, ...engineArguments], {
    cwd: '/',
    env: { ...engine.environment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C in the server's terminal is not for it.
    detached: true,
    timeout: secondsMax * 1000,
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  })
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  signal?.throwIfAborted()
  const silent = child.signalCode === null ? `it ended with ${exitCode}` : `no answer within ${secondsMax} s`
  return { exitCode, stdout, complaint: readableComplaint(stderr) || silent }
}

/** @throws when the engine refuses, with what it said */
export async function requireEngine(
  engine: ContainerEngine,
  engineArguments: string[],
  options?: EngineCallOptions,
): Promise<string> {
  const { exitCode, stdout, complaint } = await callEngine(engine, engineArguments, options)
  if (exitCode !== 0) throw new Error(`${engine.kind} ${engineArguments[0]} failed: ${complaint}`)
  return stdout
}

/** The last line says what went wrong; those before it are warnings and progress. */
function readableComplaint(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? ''
  return line.replace(/^(Error( response from daemon)?|docker): /, '').slice(0, 500)
}
