import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'

import type { OpenPlace } from './network-rules.ts'

/** A service that the operator wants builds to reach. */
export interface Place {
  host: string
  port: number
}

const schemePorts: Record<string, number> = {
  'http:': 80,
  'https:': 443,
  'socks:': 1080,
  'socks4:': 1080,
  'socks4a:': 1080,
  'socks5:': 1080,
  'socks5h:': 1080,
}

/** Where the variables lead that the server passes on to builds: its proxies and registries. */
export function placesIn(variables: Record<string, string>): Place[] {
  return Object.entries(variables).flatMap(([name, value]) => {
    // A proxy may be given as host and port alone (curl(1)).
    const text = /^(https?|all)_proxy$/i.test(name) && !value.includes('://') ? `http://${value}` : value
    const url = URL.parse(text)
    const port = url && (Number(url.port) || schemePorts[url.protocol])
    return port && url.hostname !== '' ? [{ host: url.hostname, port }] : []
  })
}

/** The places by address; those whose name is unknown are left out, as a build will not find them either. */
export async function openPlaces(places: Place[]): Promise<OpenPlace[]> {
  const open = await Promise.all(
    places.map(async ({ host, port }) => (await addressesOf(host)).map((network) => ({ network, port }))),
  )
  return open.flat()
}

/** The first of the places that is this machine's loopback, which no build with a network of its own reaches. */
export async function findLoopback(places: Place[]): Promise<Place | undefined> {
  for (const place of places) {
    const addresses = place.host === '[::1]' ? ['::1'] : await addressesOf(place.host)
    if (addresses.some((address) => /^(127\.|::1$)/.test(address))) return place
  }
  return undefined
}

/** IPv4 addresses of a host; builds with a network of their own have no other. */
async function addressesOf(host: string): Promise<string[]> {
  if (isIPv4(host)) return [host]
  if (host.startsWith('[')) return []
  const found = await lookup(host, { all: true, family: 4 }).catch(() => [])
  return found.map(({ address }) => address)
}
