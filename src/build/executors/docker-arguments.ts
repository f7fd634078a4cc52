import type { SessionLimits } from '../executor.ts'
import type { ContainerEngine } from './docker-engine.ts'
import type { BuildUser, JobFolder } from './job-folder.ts'
import { sessionScript } from './shell-script.ts'

/** What a container is made of. */
export interface ContainerPlan {
  engine: Pick<ContainerEngine, 'kind' | 'rootless' | 'holds'>
  name: string
  labels: Record<string, string>
  /** Id of the image. */
  image: string
  user: BuildUser
  folder: JobFolder
  /** Where the commands see the job's folder. */
  workPlace: string
  /** File of users, to be seen as `/etc/passwd`. */
  passwdFile: string
  /** File of the filter of system calls. */
  seccompFile: string
  /** Files and folders of the host that are seen at their own paths and cannot be written. */
  readable: readonly string[]
  /** Value of `--network`. */
  network: string
  limits: SessionLimits
  /** Names of variables that the engine takes from its command's own environment, so that no command line has their values. */
  variables: readonly string[]
}

/**
 * The session's shell, which is told its commands on standard input: engines hand no other descriptor over. What Podman adds
 * to the environment is no business of the commands.
 */
const containerScript = `unset container HOSTNAME TERM; exec 3<&0 </dev/null; ${sessionScript}`

/**
 * Arguments by which an engine makes the container of a session: a system that cannot be written, the job's folder, no
 * capabilities and no way to new ones, limits, no log kept by the engine.
 */
export function createArguments(plan: ContainerPlan): string[] {
  const { engine, user, folder, workPlace } = plan
  return [
    ['create', '--name', plan.name, '--pull', 'never'],
    ...Object.entries(plan.labels).map(([name, value]) => ['--label', `${name}=${value}`]),
    // The init process reaps, and lets the shell be one that a signal can end.
    ['--interactive', '--init', '--stop-timeout', '0', '--log-driver', 'none', '--no-healthcheck'],
    ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ['--security-opt', `seccomp=${plan.seccompFile}`],
    ['--user', `${user.uid}:${user.gid}`, '--hostname', 'preamp-build', '--workdir', '/'],
    ['--network', plan.network],
    limitArguments(plan),
    engine.kind === 'podman' ? podmanArguments(plan) : [],
    mount(folder.work, workPlace),
    // On disk, as in the sandbox, so that it does not count as memory.
    ...['/tmp', '/var/tmp'].map((place) => mount(folder.temporary, place)),
    mount(plan.passwdFile, '/etc/passwd', 'ro'),
    ...plan.readable.map((path) => mount(path, path, 'ro')),
    ...plan.variables.map((name) => ['--env', name]),
    ['--entrypoint', '/bin/bash', plan.image],
    ['--noprofile', '--norc', '-c', containerScript, 'bash'],
  ].flat()
}

/** Of what an engine cannot hold some refuse to start a container. */
function limitArguments({ engine: { holds }, limits }: ContainerPlan): string[] {
  const memory = String(limits.memoryBytes)
  return [
    // Shared memory counts as memory; there is no swap.
    ['--shm-size', memory],
    holds.memory ? ['--memory', memory, '--memory-swap', memory] : [],
    holds.processes ? ['--pids-limit', String(limits.processesMax)] : [],
    holds.cpus ? ['--cpus', String(limits.cpus)] : [],
  ].flat()
}

/**
 * What Docker does, or leaves, by itself: Podman would mount writable folders in a system that is not to be written, make
 * volumes that an image asks for, and pass the server's proxy variables on. A Podman without root maps the build's user to
 * the server's, so that both can read the job's folder.
 */
function podmanArguments({ engine: { rootless } }: ContainerPlan): string[] {
  const own = ['--read-only-tmpfs=false', '--image-volume', 'ignore', '--http-proxy=false']
  return rootless ? [...own, '--userns', 'keep-id'] : own
}

function mount(source: string, target: string, ...options: string[]): string[] {
  const fields = ['type=bind', `source=${source}`, `target=${target}`, ...options]
  return ['--mount', fields.map(csvField).join(',')]
}

/** Engines read the option as a line of CSV. */
function csvField(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
