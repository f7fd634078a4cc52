import { isIPv6 } from 'node:net'

import { parseNetwork, unmappedAddress } from '../model/addresses.ts'
import { limits } from '../model/limits.ts'

/**
 * Bounds what is fetched from servers behind us at the same time: of all apps, of an app, of an app by one visitor. Each answer that a
 * visitor does not take holds memory, and one of the fetches that Bun does at once, for which all apps would wait together.
 */
export class FetchSlots {
  readonly #counts = new Map<string, number>()

  /** @returns undefined where all are taken, else what gives it back, which may be called again and then does nothing */
  take(appId: string, address: string | undefined): (() => void) | undefined {
    const { proxyFetchesMax, proxyFetchesOfAppMax, proxyFetchesOfAddressMax } = limits
    const visitor = `${appId} ${address === undefined ? '' : visitorAt(address)}`
    const isFree =
      this.#isBelow('', proxyFetchesMax) &&
      this.#isBelow(appId, proxyFetchesOfAppMax) &&
      this.#isBelow(visitor, proxyFetchesOfAddressMax)
    if (!isFree) return undefined
    const keys = ['', appId, visitor]
    for (const key of keys) this.#count(key, 1)
    return () => {
      for (const key of keys.splice(0)) this.#count(key, -1)
    }
  }

  #isBelow(key: string, max: number): boolean {
    return (this.#counts.get(key) ?? 0) < max
  }

  #count(key: string, change: 1 | -1): void {
    const next = (this.#counts.get(key) ?? 0) + change
    if (next === 0) this.#counts.delete(key)
    else this.#counts.set(key, next)
  }
}

/** Who has one address of IPv6 has 2^64 of them. */
function visitorAt(address: string): string {
  const plain = unmappedAddress(address)
  return isIPv6(plain) ? String((parseNetwork(plain)?.number ?? 0n) >> 64n) : plain
}
