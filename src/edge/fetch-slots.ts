import { isIPv6 } from 'node:net'

import { parseNetwork, unmappedAddress } from '../model/addresses.ts'
import { limits } from '../model/limits.ts'
import { Tally } from './tally.ts'

/**
 * Bounds what is fetched from servers behind us at the same time: of all apps, of an app, of an app by one visitor. Each answer that a
 * visitor does not take holds memory, and one of the fetches that Bun does at once, for which all apps would wait together.
 */
export class FetchSlots {
  readonly #fetches = new Tally()

  /** @returns undefined where all are taken, else what gives it back, which may be called again and then does nothing */
  take(appId: string, address: string | undefined): (() => void) | undefined {
    const { proxyFetchesMax, proxyFetchesOfAppMax, proxyFetchesOfAddressMax } = limits
    const visitor = `${appId} ${address === undefined ? '' : visitorAt(address)}`
    const isFree =
      this.#fetches.of('') < proxyFetchesMax &&
      this.#fetches.of(appId) < proxyFetchesOfAppMax &&
      this.#fetches.of(visitor) < proxyFetchesOfAddressMax
    if (!isFree) return undefined
    const keys = ['', appId, visitor]
    for (const key of keys) this.#fetches.change(key, 1)
    return () => {
      for (const key of keys.splice(0)) this.#fetches.change(key, -1)
    }
  }
}

/** Who has one address of IPv6 has 2^64 of them. */
function visitorAt(address: string): string {
  const plain = unmappedAddress(address)
  return isIPv6(plain) ? String((parseNetwork(plain)?.number ?? 0n) >> 64n) : plain
}
