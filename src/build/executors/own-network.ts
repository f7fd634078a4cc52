import { closeSync, openSync } from 'node:fs'
import { readFile, readlink } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'

import { hasCode } from '../../model/error-code.ts'
import { markVariable } from './job-mark.ts'
import { applyNetworkRules, type NetworkRules, type OpenPlace } from './network-rules.ts'
import { hostResolver, programFolders } from './sandbox.ts'

export interface OwnNetworkOptions {
  programs: NetworkPrograms
  privateAllowed: boolean
  /** What is open besides; asked for each session, as names may lead elsewhere by then. */
  open(): Promise<OpenPlace[]>
}

/** Absolute paths. */
export interface NetworkPrograms {
  bwrap: string
  nft: string
  nsenter: string
  prlimit: string
  slirp4netns: string
  unshare: string
}

/** Networks of sessions that reach the internet, and nothing of this machine. */
export interface OwnNetwork {
  /**
   * Begins to make the network of a session. Its processes carry the job's mark, by which they are ended with all others of
   * the job; they end by themselves when the server dies.
   */
  begin(mark: string): SessionNetwork
}

export interface SessionNetwork {
  /** Text of the sandbox's `/etc/resolv.conf`. */
  resolverText(): Promise<string>
  /** The command line that runs a command in its namespace, which may lead nowhere yet. */
  commandInside(command: string[]): Promise<string[]>
  /** Resolves when it leads where it is to lead, and nowhere else. Rejects with what the programs said. */
  connected: Promise<unknown>
  /** Resolves when it leads nowhere any more. */
  broken: Promise<unknown>
  /** Ends it where no session came to use it, or none could be started. */
  end(): Promise<void>
}

interface NetworkHelper {
  ready: Promise<void>
  exited: Promise<unknown>
  end(): Promise<void>
}

/** slirp4netns(1): the network that it makes, and the resolver in it, which asks the one of the host. */
const ownSubnet = '10.0.2.0/24'
const ownResolver = '10.0.2.3'
const device = 'tap0'
const bytesPerPacketMax = 65_520
/** Connections at once, more or less. Each takes memory of the helper, which no limit of the job counts. */
const helperDescriptorsMax = 2048
const namespaceMillisecondsMax = 10_000
const descriptors = { ready: 3, exit: 4, namespace: 5 }

/** User-mode networking by slirp4netns, with rules of nftables in the namespace that no process of the build may change. */
export function openOwnNetwork({ programs, privateAllowed, open }: OwnNetworkOptions): OwnNetwork {
  const isRoot = process.getuid!() === 0
  const { nft, nsenter, prlimit, slirp4netns, unshare } = programs
  // Who is not root may make a network namespace only within a user namespace, in which it is root.
  const kinds = isRoot ? ['--net'] : ['--user', '--map-root-user', '--net']

  /** The command line that runs what follows it in the namespace of a process. */
  const entering = (pid: number): string[] => {
    const namespaces = [`--net=/proc/${pid}/ns/net`]
    if (!isRoot) namespaces.push(`--user=/proc/${pid}/ns/user`, '--preserve-credentials')
    return [nsenter, ...namespaces, '--']
  }

  const helperCommand = (pid: number): string[] => {
    const options = ['--configure', `--mtu=${bytesPerPacketMax}`, '--disable-host-loopback']
    const confined = ['--enable-sandbox', '--enable-seccomp']
    const told = [`--ready-fd=${descriptors.ready}`, `--exit-fd=${descriptors.exit}`]
    const helper = [prlimit, `--nofile=${helperDescriptorsMax}`, '--', slirp4netns]
    const all = [...helper, ...options, ...confined, ...told]
    if (!isRoot) return [...all, String(pid), device]
    // Its own sandbox leaves it all of /etc, and the uid of root: it gets a file system in which there is nothing.
    const namespace = ['--netns-type=path', `/proc/self/fd/${descriptors.namespace}`]
    return [programs.bwrap, ...confinement(), '--', ...all, ...namespace, device]
  }

  async function connect(pid: number, mark: string): Promise<NetworkHelper> {
    const helper = startHelper(helperCommand(pid), pid, mark)
    try {
      const ruled = open().then((places) => applyNetworkRules(entering(pid), nft, rulesWith(places)))
      await Promise.all([helper.ready, ruled])
      return helper
    } catch (error) {
      await helper.end()
      throw error
    }
  }

  const rulesWith = (places: OpenPlace[]): NetworkRules => ({
    privateAllowed,
    open: places,
    closed: ['::/0', ownSubnet, ...ownAddresses()],
    resolvers: [ownResolver],
  })

  return {
    begin(mark) {
      const keeper = startKeeper([unshare, ...kinds, '--'], mark)
      const made = untilInNewNamespace(keeper.pid)
      const connected = made.then(() => connect(keeper.pid, mark))
      const broken = connected.then(
        ({ exited }) => exited,
        () => undefined,
      )
      return {
        resolverText,
        async commandInside(command) {
          await made
          return [...entering(keeper.pid), ...command]
        },
        connected,
        broken,
        async end() {
          keeper.kill('SIGKILL')
          await connected.then(
            (helper) => helper.end(),
            () => undefined,
          )
          await keeper.exited
        },
      }
    },
  }
}

/** How names are found in the network: as on the host, by the resolver that asks the host's. */
async function resolverText(): Promise<string> {
  const host = await readFile('/etc/resolv.conf', 'utf8').catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
    return ''
  })
  const kept = host.split('\n').filter((line) => /^(search|domain|options)\s/.test(line))
  return [...kept, `nameserver ${ownResolver}`, ''].join('\n')
}

/** Those of this machine: a service on it may listen on all of them, and take who comes from here for one of its own. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.filter(({ family }) => family === 'IPv4').map(({ address }) => address)
}

/** Arguments of the bwrap around the helper of a server that is root: programs, the host's resolver, the device. */
function confinement(): string[] {
  return [
    ['--new-session', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    programFolders(),
    hostResolver(),
    ['--dir', '/etc', '--dir', '/run', '--dir', '/tmp', '--proc', '/proc'],
    ['--dev-bind', '/dev/net/tun', '/dev/net/tun'],
  ].flat()
}

/**
 * Starts what keeps a new namespace until there are others in it: `cat`, which ends when its input does, by a death of the
 * server too.
 */
function startKeeper(inNewNamespace: string[], mark: string) {
  return Bun.spawn([...inNewNamespace, 'cat'], {
    env: { [markVariable]: mark, PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
}

/** Waits until `unshare` has done its work in the process, the map of user ids included. */
async function untilInNewNamespace(pid: number): Promise<void> {
  const ours = await readlink('/proc/self/ns/net')
  const deadline = performance.now() + namespaceMillisecondsMax
  while (performance.now() < deadline) {
    const isNew = (await readlink(`/proc/${pid}/ns/net`)) !== ours
    if (isNew && (await readFile(`/proc/${pid}/uid_map`, 'utf8')) !== '') return
    await Bun.sleep(1)
  }
  throw new Error('The network namespace of a build was not made in time.')
}

function startHelper(command: string[], pid: number, mark: string): NetworkHelper {
  const namespace = openSync(`/proc/${pid}/ns/net`, 'r')
  // Nothing happens between the line above, which needs the process to be there, and the start of the helper: whoever ends a
  // job's processes until none is found finds the helper too.
  const child = spawnHelper(command, mark, namespace)
  const [ready, exit] = [child.stdio[descriptors.ready], child.stdio[descriptors.exit]].map(Number)
  let isWatched = true
  // The helper ends when this is closed, by a death of the server too.
  const closeExit = (): void => {
    if (isWatched) closeSync(exit!)
    isWatched = false
  }
  void child.exited.then(closeExit)
  return {
    ready: untilReady(ready!, firstOf(child.stderr)),
    exited: child.exited,
    async end() {
      closeExit()
      await child.exited
    },
  }
}

/** @throws with what the helper said, when it ended instead */
async function untilReady(descriptor: number, complaint: Promise<string>): Promise<void> {
  const { done } = await Bun.file(descriptor).stream().getReader().read()
  closeSync(descriptor)
  if (done) throw new Error(`slirp4netns failed: ${(await complaint).trim()}`)
}

function spawnHelper(command: string[], mark: string, namespace: number) {
  try {
    return Bun.spawn(command, {
      env: { [markVariable]: mark },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', namespace],
      detached: true,
    })
  } finally {
    closeSync(namespace)
  }
}

/** The beginning of what a program says. The rest is read as well, so that it never waits for a reader. */
async function firstOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const bytes of stream) if (text.length < 4096) text += decoder.decode(bytes, { stream: true })
  return text
}
