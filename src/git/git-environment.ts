import { writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'

import { checkHost } from '../deploy/outbound.ts'
import type { Repository } from './repository.ts'

export interface GitAccess {
  /** A folder of the server's own, which no build can see: Git's configuration for this job lies there. */
  scratchFolder: string
  /** Sent to the origin of an https repository as the password; never to another. */
  token?: string | undefined
  /** Whether hosts may lie at private addresses (`PREAMP_PRIVATE_SOURCES`). */
  privateAllowed: boolean
}

/** Variables of the server without which Git could not reach the outside from here. */
const passedOn = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'CURL_CA_BUNDLE',
]

/**
 * Git's configuration besides what the environment adds. Nothing that a repository brings is run: hooks, filters (LFS
 * among them, as no filter is configured), file-system monitors and credential helpers are off.
 */
const configuration = `[core]
  hooksPath = /dev/null
  fsmonitor = false
  attributesFile = /dev/null
  excludesFile = /dev/null
[init]
  defaultBranch = main
[http]
  followRedirects = false
  lowSpeedLimit = 1000
  lowSpeedTime = 60
[submodule]
  recurse = false
[gc]
  auto = 0
[maintenance]
  auto = false
[advice]
  detachedHead = false
`

/**
 * The whole environment of the Git commands that talk to one repository. Its host is resolved and checked here, and Git
 * is told to connect to the checked address. Credentials travel in the environment: not in argv, nor into `.git/config`.
 * @throws {import('../deploy/outbound.ts').OutboundError} for a host that must not be contacted
 */
export async function gitEnvironment(
  repository: Repository,
  access: GitAccess,
): Promise<Record<string, string>> {
  const { scratchFolder } = access
  const configFile = join(scratchFolder, 'gitconfig')
  await writeFile(configFile, configuration + trustedPaths(repository), { mode: 0o600 })
  const environment: Record<string, string> = {
    HOME: scratchFolder,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: configFile,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_TEMPLATE_DIR: '',
    GIT_ALLOW_PROTOCOL: repository.kind === 'http' ? 'http:https' : repository.kind,
  }
  for (const name of passedOn) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  if (repository.kind === 'http') Object.assign(environment, await httpVariables(repository, access))
  if (repository.kind === 'ssh') Object.assign(environment, await sshVariables(repository, access))
  return environment
}

async function httpVariables(
  repository: Repository & { kind: 'http' },
  access: GitAccess,
): Promise<Record<string, string>> {
  const { url } = repository
  const settings: [name: string, value: string][] = []
  const addresses = await checkedAddresses(url.hostname, url, access)
  if (addresses.length > 0 && isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0) {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    const list = addresses.map((address) => (isIP(address) === 6 ? `[${address}]` : address)).join(',')
    settings.push(['http.curloptResolve', `${url.hostname}:${port}:${list}`])
  }
  const credentials = httpCredentials(repository, access.token)
  if (credentials) {
    const basic = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')
    settings.push([`http.${url.origin}/.extraHeader`, `Authorization: Basic ${basic}`])
  }
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) }
  for (const [index, [name, value]] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = name
    variables[`GIT_CONFIG_VALUE_${index}`] = value
  }
  return variables
}

/** Behind a proxy a name may be unknown here: then the proxy resolves it, by the rules of whoever runs the proxy. */
async function checkedAddresses(host: string, url: URL, access: GitAccess): Promise<string[]> {
  const proxy = proxyVariable(url.protocol)
  try {
    return await checkHost(host, { privateAllowed: access.privateAllowed })
  } catch (error) {
    if (proxy && error instanceof Error && error.message.includes('cannot be found')) return []
    throw error
  }
}

function proxyVariable(protocol: string): string | undefined {
  const { env } = process
  const ofScheme = protocol === 'https:' ? (env['https_proxy'] ?? env['HTTPS_PROXY']) : env['http_proxy']
  return ofScheme ?? env['all_proxy'] ?? env['ALL_PROXY']
}

/** Those in the URL, else the token under the user name that the kind of host wants; hosts that do not care take any. */
export function httpCredentials(
  repository: Repository & { kind: 'http' },
  token: string | undefined,
): { user: string; password: string } | undefined {
  if (repository.credentials) return repository.credentials
  if (token === undefined || token === '') return undefined
  const host = repository.url.hostname
  if (host.includes('gitlab')) return { user: 'oauth2', password: token }
  if (host.includes('bitbucket')) return { user: 'x-token-auth', password: token }
  return { user: 'x-access-token', password: token }
}

async function sshVariables(
  repository: Repository & { kind: 'ssh' },
  access: GitAccess,
): Promise<Record<string, string>> {
  const [address] = await checkHost(repository.host, { privateAllowed: access.privateAllowed })
  const file = join(access.scratchFolder, 'ssh-config')
  // What stands first wins, so the operator's own settings (keys, known hosts) count for all but these.
  const lines = [
    'BatchMode yes',
    'ConnectTimeout 20',
    'ForwardAgent no',
    'ClearAllForwardings yes',
    'PermitLocalCommand no',
    `Host ${repository.host}`,
    `HostName ${address}`,
    // The name under which known_hosts keeps the key: ssh must not look for the address instead.
    `HostKeyAlias ${repository.port === '22' ? repository.host : `[${repository.host}]:${repository.port}`}`,
    'Host *',
    'Include config',
    'StrictHostKeyChecking accept-new',
  ]
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  const agent = process.env['SSH_AUTH_SOCK']
  return {
    // Git hands this text to a shell: it is constant, and the path reaches ssh through the variable.
    GIT_SSH_COMMAND: 'ssh -F "$PREAMP_SSH_CONFIG"',
    GIT_SSH_VARIANT: 'ssh',
    PREAMP_SSH_CONFIG: file,
    ...(agent !== undefined && { SSH_AUTH_SOCK: agent }),
  }
}

/**
 * The person who named a local repository vouches for this very path, whoever owns it. It stands in a file because Git does
 * not pass configuration in the environment on to the side that serves a local repository.
 */
function trustedPaths(repository: Repository): string {
  if (repository.kind !== 'file') return ''
  const path = repository.path.replace(/\/+$/, '').replace(/["\\]/g, '\\$&')
  return `[safe]\n  directory = "${path}"\n  directory = "${path}/.git"\n`
}
