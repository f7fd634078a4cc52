import { checkHost, type HostOptions } from '../deploy/outbound.ts'
import { limits } from '../model/limits.ts'
import { Tally } from './tally.ts'

export interface ProxyAddresses {
  /**
   * Checked addresses of a host, at once where they are known.
   * @throws {TooManyLookUps}
   * @throws {import('../deploy/outbound.ts').OutboundError} also while a failure is remembered
   */
  of(host: string, appId: string): string[] | Promise<string[]>
}

/** Rules of this app, or of all, have more hosts looked up at the moment than may be. */
export class TooManyLookUps extends Error {}

interface Known {
  addresses: string[] | Promise<string[]>
  until: number
}

/**
 * Remembers where hosts of rules are: a look-up for each request would cost more than the request. Failures are remembered as
 * well, and look-ups at once bounded: names of which no DNS server says anything cost whoever asks for them time, and nobody else.
 */
export function createProxyAddresses(options: HostOptions): ProxyAddresses {
  const hosts = new Map<string, Known>()
  /** By app; those of all by the empty key. */
  const lookUps = new Tally()

  function count(appId: string, by: 1 | -1): void {
    lookUps.change('', by)
    lookUps.change(appId, by)
  }

  function remember(host: string, addresses: Known['addresses'], secondsMax: number): void {
    hosts.set(host, { addresses, until: performance.now() + secondsMax * 1000 })
  }

  function lookUp(host: string, appId: string): Promise<string[]> {
    const isFull =
      lookUps.of('') >= limits.proxyLookUpsMax || lookUps.of(appId) >= limits.proxyLookUpsOfAppMax
    if (isFull) throw new TooManyLookUps('more look-ups at once than may be')
    count(appId, 1)
    const looking = checkHost(host, options)
    hosts.delete(host)
    for (const oldest of hosts.keys()) {
      if (hosts.size < limits.proxyHostsMax) break
      hosts.delete(oldest)
    }
    // It ends by itself, within limits.hostLookUpSecondsMax.
    remember(host, looking, Infinity)
    looking.then(
      (found) => {
        count(appId, -1)
        remember(host, found, limits.proxyAddressSecondsMax)
      },
      () => {
        count(appId, -1)
        remember(host, looking, limits.proxyUnknownHostSecondsMax)
      },
    )
    return looking
  }

  return {
    of(host, appId) {
      const known = hosts.get(host)
      return known && known.until > performance.now() ? known.addresses : lookUp(host, appId)
    },
  }
}
