import { networksOf } from '../../model/addresses.ts'

/** What a build's network leads to. Link-local and metadata addresses are closed in any case. */
export interface NetworkRules {
  /** Whether private addresses are open. */
  privateAllowed: boolean
  /** What is open although it is private or closed. */
  open: readonly OpenPlace[]
  /** Networks that are closed although they are public, or private ones are open. */
  closed: readonly string[]
  /** Addresses that answer the names of hosts: open at port 53, wherever they lie. */
  resolvers: readonly string[]
}

export interface OpenPlace {
  /** In CIDR form, or one address. */
  network: string
  /** The only TCP port that is open; all of them, and other protocols, without it. */
  port?: number
}

const secondsMax = 10

/** What is closed is refused at once, so that no build waits for it: "No route to host". */
const refuse = 'reject with icmpx admin-prohibited'

/** Text for `nft --file -`, which takes the place of all rules of the network namespace that it is run in (nft(8)). */
export function networkRules({ privateAllowed, open, closed, resolvers }: NetworkRules): string {
  return [
    'flush ruleset',
    'table inet preamp {',
    'chain output {',
    'type filter hook output priority filter; policy accept;',
    'oifname "lo" accept',
    // Neighbours are found by link-local addresses.
    'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
    ...resolvers.map((address) => `${to(address)} meta l4proto { tcp, udp } th dport 53 accept`),
    ...networksOf('forbidden').map((network) => `${to(network)} ${refuse}`),
    ...open.map(
      ({ network, port }) => `${to(network)}${port === undefined ? '' : ` tcp dport ${port}`} accept`,
    ),
    ...closed.map((network) => `${to(network)} ${refuse}`),
    ...(privateAllowed ? [] : networksOf('private').map((network) => `${to(network)} ${refuse}`)),
    '}',
    '}',
    '',
  ].join('\n')
}

function to(network: string): string {
  return `${network.includes(':') ? 'ip6' : 'ip'} daddr ${network}`
}

/**
 * Sets the rules of a network namespace.
 * @param enter command line that runs, in the namespace, what follows it
 * @param nft absolute path
 * @throws with what nft said when it does not take the rules
 */
export async function applyNetworkRules(enter: string[], nft: string, rules: NetworkRules): Promise<void> {
  const child = Bun.spawn([...enter, nft, '--file', '-'], {
    env: {},
    stdio: [Buffer.from(networkRules(rules)), 'ignore', 'pipe'],
    timeout: secondsMax * 1000,
    killSignal: 'SIGKILL',
  })
  const [complaint, exitCode] = await Promise.all([child.stderr.text(), child.exited])
  if (exitCode !== 0) throw new Error(`nft did not take the rules of the network: ${complaint.trim()}`)
}
