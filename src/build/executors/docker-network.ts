import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'

import { type ContainerEngine, requireEngine } from './docker-engine.ts'
import { applyNetworkRules, type OpenPlace } from './network-rules.ts'

/** How the containers of an engine reach the internet. */
export interface ContainerNetwork {
  /** Value of `--network`. */
  name: string
  /** Networks in which the host and other containers are. */
  own: string[]
}

/** What Podman gives its user-mode network (podman-run(1), slirp4netns(1)). */
const userModeNetworks = ['10.0.2.0/24', 'fd00::/64']

/**
 * Finds the network of containers. Engines keep the host's loopback out of their own networks. With Podman user-mode networking
 * is preferred, since it needs neither a bridge nor a firewall of the host.
 */
export async function findContainerNetwork(engine: ContainerEngine): Promise<ContainerNetwork> {
  if (engine.kind === 'docker') {
    return { name: 'bridge', own: await subnetsOf(engine, 'bridge', '.IPAM.Config') }
  }
  if (findIn(engine, 'slirp4netns')) {
    return { name: 'slirp4netns:allow_host_loopback=false', own: userModeNetworks }
  }
  if (engine.rootless) return { name: 'pasta', own: [] }
  return { name: 'podman', own: await subnetsOf(engine, 'podman', '.Subnets') }
}

async function subnetsOf(engine: ContainerEngine, network: string, member: string): Promise<string[]> {
  const format = `{{range ${member}}}{{.Subnet}} {{end}}`
  const listed = await requireEngine(engine, ['network', 'inspect', '--format', format, network])
  return listed.split(/\s+/).filter((subnet) => subnet !== '')
}

/** By what the network of a container is closed from outside. */
export interface NetworkTools {
  /** The command that enters a namespace, but for which one that is. */
  nsenter: string[]
  /** Absolute path. */
  nft: string
}

/** @returns what is missing for them */
export function findNetworkTools(engine: ContainerEngine): NetworkTools | string {
  const nsenter = findIn(engine, 'nsenter')
  const nft = findIn(engine, 'nft')
  if (!nsenter) return 'nsenter (of util-linux) is not installed'
  if (!nft) return 'nft (of nftables) is not installed'
  if (process.getuid!() === 0) return { nsenter: [nsenter], nft }
  if (engine.kind === 'docker') return 'the server is not root'
  // A Podman without root has made the namespace as root of its own user namespace.
  const variables = Object.entries(engine.environment).filter(([name]) => /^(PATH|HOME|XDG_.*)$/.test(name))
  const withHome = ['env', ...variables.map(([name, value]) => `${name}=${value}`)]
  return { nsenter: [...withHome, engine.command, 'unshare', nsenter], nft }
}

function findIn({ environment }: ContainerEngine, program: string): string | null {
  return Bun.which(program, { PATH: `${environment['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` })
}

export interface ClosedNetwork extends ContainerNetwork {
  tools: NetworkTools
  privateAllowed: boolean
  open: OpenPlace[]
}

/**
 * Closes the ways from a container to metadata and link-local addresses, to the host and other containers, and to private
 * addresses unless these are allowed. In the container nobody may change that.
 * @param pid of a process in the container
 * @param resolvConf the container's file of resolvers, on the host; without one there are none
 */
export async function closeNetwork(
  { tools: { nsenter, nft }, own, privateAllowed, open }: ClosedNetwork,
  pid: number,
  resolvConf?: string,
): Promise<void> {
  const resolvers = resolvConf === undefined ? [] : resolversIn(await readFile(resolvConf, 'utf8'))
  const rules = { privateAllowed, open, closed: [...own, ...hostAddresses()], resolvers }
  await applyNetworkRules([...nsenter, `--net=/proc/${pid}/ns/net`], nft, rules)
}

/** A service that listens on all of them may take who comes from here for one of its own. */
function hostAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.map(({ address }) => address)
}

function resolversIn(text: string): string[] {
  return [...text.matchAll(/^nameserver\s+([0-9a-f.:]+)\s*$/gim)].map(([, address]) => address!)
}
