import { existsSync } from 'node:fs'

import type { Executor } from '../executor.ts'
import { openBubblewrapExecutor } from './bubblewrap.ts'
import { findCgroups } from './cgroup.ts'
import { findOwnNetwork, type NetworkChoice } from './find-network.ts'
import type { HostOptions } from './host-session.ts'
import type { BuildUser } from './job-folder.ts'
import { probeExecutor } from './probe-executor.ts'
import { isReachableByOthers, openProcessExecutor } from './process.ts'
import { findTools } from './tools.ts'
import { tryDocker } from './try-docker.ts'

export interface ChooseOptions extends NetworkChoice {
  /** What the configuration asks for, if anything. */
  executor: 'bubblewrap' | 'docker' | 'process' | undefined
  /** Command of the container engine; docker, else podman unless given. */
  dockerCommand: string | undefined
  /** Image of the builds whose app names none. */
  buildImage: string
  /** Whether the API can be reached from this machine only. */
  loopback: boolean
  /** User and group id to which a server run as root drops its builds. */
  buildUser: number
  /** Absolute path; hidden from builds. */
  dataDirectory: string
  /** Other files and folders that builds must not see, such as a master key that lies elsewhere. */
  secretPaths: string[]
  /** The server's own: for PATH, and for the certificate files that it names. */
  environment: Record<string, string | undefined>
}

export interface ChosenExecutor {
  executor: Executor
  /** What the operator should know about the choice. */
  notice?: string
}

/** No executor fits: the message says what to install or set. */
export class NoExecutor extends Error {}

/** Variables by which programs are told of certificates (docs of Node, OpenSSL, curl, Git, npm, Python, AWS CLI). */
const certificateVariables = [
  'AWS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'NODE_EXTRA_CA_CERTS',
  'NPM_CONFIG_CAFILE',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'npm_config_cafile',
]

/**
 * Chooses where builds run (docs/configuration.md): what the configuration names, otherwise bubblewrap where a sandbox with our
 * options really starts, otherwise containers where an engine starts one, otherwise plain processes where only this machine can reach the API.
 * @throws {NoExecutor}
 */
export async function chooseExecutor(options: ChooseOptions): Promise<ChosenExecutor> {
  const user = process.getuid!() === 0 ? { uid: options.buildUser, gid: options.buildUser } : undefined
  const tools = await findTools(options.environment, options.dataDirectory)
  const cgroups = await findCgroups()
  const host = { instance: options.dataDirectory, user, cgroups, path: tools.path }
  if (options.executor === 'process') {
    refuseShared(options, 'PREAMP_EXECUTOR is process.')
    return {
      executor: openProcessExecutor({ ...host, setpriv: findProgram('setpriv', options) }),
      notice: processNotice(options, user, 'as set by PREAMP_EXECUTOR'),
    }
  }
  const sandbox =
    options.executor === 'docker'
      ? 'PREAMP_EXECUTOR is docker.'
      : await tryBubblewrap(options, host, tools.folders)
  if (typeof sandbox !== 'string') return sandbox
  if (options.executor === 'bubblewrap')
    throw new NoExecutor(`PREAMP_EXECUTOR=bubblewrap does not work here: ${sandbox}\n${advice}`)
  const containers = await tryDocker({ ...options, user, files: certificateFiles(options.environment) })
  if (typeof containers !== 'string') {
    if (containers.networkWarning) refuseShared(options, containers.networkWarning)
    const why = options.executor === undefined ? `Bubblewrap does not work here: ${sandbox}` : ''
    const notice = [why, containers.networkWarning ?? ''].join(' ').trim()
    return { executor: containers, ...(notice !== '' && { notice }) }
  }
  if (options.executor === 'docker')
    throw new NoExecutor(`PREAMP_EXECUTOR=docker does not work here: ${containers}`)
  const reasons = `${sandbox}\n${advice}\nNor do containers: ${containers}`
  if (options.loopback) {
    refuseShared(options, sandbox)
    return {
      executor: openProcessExecutor({ ...host, setpriv: findProgram('setpriv', options) }),
      notice: `${processNotice(options, user, 'since bubblewrap does not work here')} ${reasons}`,
    }
  }
  throw new NoExecutor(
    `Builds cannot be isolated on this machine, and the API is not bound to loopback: ${reasons}\nOr set PREAMP_EXECUTOR=process to run the builds without isolation.`,
  )
}

const advice = [
  'Install bubblewrap (apt-get install bubblewrap; dnf install bubblewrap) and allow user namespaces:',
  'sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1 (older Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu).',
].join('\n')

/** An executor that has just run a command, or the reason why there is none. */
async function tryBubblewrap(
  options: ChooseOptions,
  host: HostOptions,
  toolFolders: string[],
): Promise<ChosenExecutor | string> {
  const bwrap = findProgram('bwrap', options)
  const setpriv = findProgram('setpriv', options)
  if (bwrap === undefined) return 'bwrap is not installed.'
  if (setpriv === undefined) return 'setpriv (of util-linux) is not installed.'
  const view = {
    toolFolders,
    files: certificateFiles(options.environment),
    hidden: [options.dataDirectory, ...options.secretPaths],
    canDisableUserNamespaces: await helpMentions(bwrap, '--disable-userns'),
  }
  let limit = await findOwnNetwork(options, bwrap, (name) => findProgram(name, options))
  if (typeof limit !== 'string') {
    const executor = openBubblewrapExecutor({ ...host, bwrap, setpriv, view, network: limit })
    const failure = await probeExecutor(executor)
    if (failure === undefined) return { executor }
    limit = `A network of their own does not work here: ${failure}`
  }
  const executor = openBubblewrapExecutor({ ...host, bwrap, setpriv, view, network: undefined })
  const failure = await probeExecutor(executor)
  if (failure !== undefined) return failure
  refuseShared(options, limit)
  return {
    executor,
    notice: `Builds share the network of this machine: they reach services that listen on its loopback alone, and link-local and metadata addresses. ${limit}`,
  }
}

/** @throws {NoExecutor} where builds would share the network of the host, which the configuration rules out */
function refuseShared({ buildNetwork }: ChooseOptions, why: string): void {
  if (buildNetwork === 'isolated')
    throw new NoExecutor(`PREAMP_BUILD_NETWORK=isolated does not work here: ${why}`)
}

function processNotice(options: ChooseOptions, user: BuildUser | undefined, why: string): string {
  const asRoot = user !== undefined && !isReachableByOthers(options.dataDirectory) ? ', as root,' : ''
  const warning = options.loopback
    ? ''
    : ' Whoever may start a job can read what this server can, its keys included.'
  return `Builds run${asRoot} without isolation from this server, ${why}.${warning}`
}

function findProgram(name: string, options: ChooseOptions): string | undefined {
  const found = Bun.which(name, { PATH: options.environment['PATH'] ?? '' })
  return found ?? Bun.which(name, { PATH: '/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin' }) ?? undefined
}

/** The files and folders of certificates that the server itself is told to trust. */
function certificateFiles(environment: Record<string, string | undefined>): string[] {
  const named = certificateVariables.flatMap((variable) => environment[variable] ?? [])
  return [...new Set(named)].filter((path) => path.startsWith('/') && existsSync(path))
}

async function helpMentions(program: string, option: string): Promise<boolean> {
  const child = Bun.spawn([program, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return `${output}${errors}`.includes(option)
}
