import { networkInterfaces } from 'node:os'

import { isInNetwork, type Network, parseNetwork } from '../model/addresses.ts'
import { limits } from '../model/limits.ts'

let own: Network[] = []
let knownUntil = 0

/** Whether an address is one of this machine, whose interfaces are looked at anew now and then. */
export function isOwnAddress(address: string): boolean {
  if (performance.now() > knownUntil) {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
    own = all.flatMap((one) => parseNetwork(one.address) ?? [])
    knownUntil = performance.now() + limits.ownAddressesSecondsMax * 1000
  }
  return own.some((network) => isInNetwork(address, network))
}
