import { Resolver } from 'node:dns/promises'

import { codeOf } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'

/** What the DNS says to one question. */
export type DnsAnswer =
  | { kind: 'found'; values: string[] }
  /** There is no such name, or it has no record of the type. */
  | { kind: 'none' }
  /** Nothing can be said: `reason` is for a user to read. */
  | { kind: 'unanswered'; reason: string }

export interface Dns {
  /** Where a name's CNAME record leads, one step. */
  cname(name: string, signal: AbortSignal): Promise<DnsAnswer>
  /** IPv4 and IPv6 addresses of a name, of what its CNAME records lead to as well; 32 at most. */
  addresses(name: string, signal: AbortSignal): Promise<DnsAnswer>
}

/** RFC 1035's answers that say that there is nothing. */
const noneCodes = ['ENOTFOUND', 'ENODATA']
/** The resolver's own attempts, within what a question may take. */
const attempts = { timeout: (limits.dnsQuerySecondsMax * 1000) / 2, tries: 2 }

/**
 * Asks the DNS, each question within its bound.
 * @param servers addresses, with a port where it is not 53; the system's when there are none
 */
export function createDns(servers: readonly string[]): Dns {
  async function ask(
    question: (resolver: Resolver) => Promise<string[]>,
    signal: AbortSignal,
  ): Promise<DnsAnswer> {
    // Anew for each question: a resolver of Bun keeps what it heard for as long as the record's TTL says.
    const resolver = new Resolver(attempts)
    if (servers.length > 0) resolver.setServers([...servers])
    if (signal.aborted) return unanswered(resolver)
    // Its own time-outs were seen to be seconds late.
    const stop = () => resolver.cancel()
    const timer = setTimeout(stop, limits.dnsQuerySecondsMax * 1000)
    signal.addEventListener('abort', stop)
    try {
      const values = await question(resolver)
      return values.length === 0
        ? { kind: 'none' }
        : { kind: 'found', values: values.slice(0, limits.dnsAddressesMax) }
    } catch (error) {
      const code = codeOf(error)
      if (code === undefined) throw error
      return noneCodes.includes(code) ? { kind: 'none' } : unanswered(resolver, code)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    cname: (name, signal) => ask((resolver) => resolver.resolveCname(name), signal),
    async addresses(name, signal) {
      const [ipv4, ipv6] = await Promise.all([
        ask((resolver) => resolver.resolve4(name), signal),
        ask((resolver) => resolver.resolve6(name), signal),
      ])
      const values = [ipv4, ipv6].flatMap((answer) => (answer.kind === 'found' ? answer.values : []))
      if (values.length > 0) return { kind: 'found', values }
      return ipv4.kind === 'unanswered' ? ipv4 : ipv6
    },
  }
}

function unanswered(resolver: Resolver, code?: string): DnsAnswer {
  const from = resolver.getServers().join(', ') || 'the DNS'
  const why = code === undefined || code === 'ECANCELLED' || code === 'ETIMEOUT' ? '' : ` (${code})`
  return { kind: 'unanswered', reason: `no answer from ${from}${why}` }
}
