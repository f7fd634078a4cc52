import { isIPv4, isIPv6 } from 'node:net'

/**
 * Where an IP address leads. `public`: anywhere on the internet. `private`: this machine or its network, which an
 * operator may allow. `forbidden`: never a place that content comes from: link-local and metadata addresses, the
 * unspecified address, multicast, broadcast.
 */
export type AddressClass = 'public' | 'private' | 'forbidden'

export interface Network {
  number: bigint
  bits: 32 | 128
  prefixBits: number
}

type Range = [network: string, prefixBits: number, addressClass: AddressClass]

/** The narrowest rules first: IANA's special-purpose registry (RFC 6890) and what clouds add to it. */
const ipv4Ranges: Range[] = [
  ['100.100.100.200', 32, 'forbidden'], // Alibaba Cloud's metadata, inside the shared address space
  ['168.63.129.16', 32, 'forbidden'], // Azure's wire server, a public address that only its machines can reach
  ['0.0.0.0', 8, 'forbidden'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'private'],
  ['169.254.0.0', 16, 'forbidden'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'forbidden'], // Oracle Cloud's metadata is 192.0.0.192
  ['192.0.2.0', 24, 'private'],
  ['192.88.99.0', 24, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'private'],
  ['198.51.100.0', 24, 'private'],
  ['203.0.113.0', 24, 'private'],
  ['224.0.0.0', 4, 'forbidden'],
  ['240.0.0.0', 4, 'forbidden'],
]

const ipv6Ranges: Range[] = [
  ['::', 128, 'forbidden'],
  ['::1', 128, 'private'],
  ['fd00:ec2::254', 128, 'forbidden'], // AWS's metadata
  ['fd00:ec2::23', 128, 'forbidden'], // AWS's credentials for EKS pods
  ['fd20:ce::254', 128, 'forbidden'], // Google Cloud's metadata
  ['fd00:42::42', 128, 'forbidden'], // Scaleway's metadata
  ['64:ff9b:1::', 48, 'forbidden'], // local NAT64 (RFC 8215): which IPv4 address it means cannot be known
  ['100::', 64, 'private'],
  ['2001::', 23, 'private'],
  ['2001:db8::', 32, 'private'],
  ['3fff::', 20, 'private'],
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'forbidden'],
  ['fec0::', 10, 'private'],
  ['ff00::', 8, 'forbidden'],
  ['2000::', 3, 'public'],
]

/** Forms of IPv6 that carry an IPv4 address, and how many bits stand to its right. They are what the carried one is. */
const ipv4Carriers: [network: string, prefixBits: number, bitsToTheRight: bigint, inverted: boolean][] = [
  ['::ffff:0:0', 96, 0n, false], // IPv4-mapped
  ['::ffff:0:0:0', 96, 0n, false], // IPv4-translated (RFC 2765)
  ['64:ff9b::', 96, 0n, false], // NAT64 (RFC 6052)
  ['2002::', 16, 80n, false], // 6to4 (RFC 3056)
  ['2001::', 32, 0n, true], // Teredo (RFC 4380): the client's address, inverted
  ['::', 96, 0n, false], // IPv4-compatible, after the two addresses that are none
]

/**
 * @param address an IP address as a resolver or a URL gives it; whatever else, one with a zone too, is `forbidden`
 */
export function addressClass(address: string): AddressClass {
  if (isIPv4(address)) return classOf(ipv4Number(address), 32, ipv4Ranges) ?? 'public'
  if (!isIPv6(address) || address.includes('%')) return 'forbidden'
  const number = ipv6Number(address)
  if (number > 1n) {
    for (const [network, prefixBits, bitsToTheRight, inverted] of ipv4Carriers) {
      if (!contains(ipv6Number(network), prefixBits, number, 128)) continue
      const carried = (number >> bitsToTheRight) & 0xffff_ffffn
      return classOf(inverted ? carried ^ 0xffff_ffffn : carried, 32, ipv4Ranges) ?? 'public'
    }
  }
  // Beyond 2000::/3 nothing is handed out to the internet.
  return classOf(number, 128, ipv6Ranges) ?? 'private'
}

/** The IPv4 and IPv6 networks of a class, in CIDR form, as far as they are listed: not all that is public is. */
export function networksOf(wanted: Exclude<AddressClass, 'public'>): string[] {
  return [...ipv4Ranges, ...ipv6Ranges]
    .filter(([, , kind]) => kind === wanted)
    .map(([network, prefixBits]) => `${network}/${prefixBits}`)
}

/** A network in CIDR form, or one address; undefined for a text that is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : undefined
  if (bits === undefined || rest.length > 0) return undefined
  if (prefix !== undefined && !(/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= bits)) return undefined
  const number = bits === 32 ? ipv4Number(address) : ipv6Number(address)
  return { number, bits, prefixBits: prefix === undefined ? bits : Number(prefix) }
}

/**
 * Whether an address lies in a network. An IPv4-mapped address, as which a dual-stack listener sees IPv4 clients, is the
 * IPv4 address that it carries. False for a text that is no address.
 */
export function isInNetwork(address: string, { number, bits, prefixBits }: Network): boolean {
  const parsed = address.includes('/') ? undefined : parseNetwork(address)
  if (!parsed) return false
  const [own, ownBits] = isMapped(parsed) ? [parsed.number & 0xffff_ffffn, 32] : [parsed.number, parsed.bits]
  return ownBits === bits && contains(number, prefixBits, own, bits)
}

/** The IPv4 address that an IPv4-mapped one carries, however it is written; any other text as it is. */
export function unmappedAddress(address: string): string {
  if (!isIPv6(address)) return address
  const parsed = parseNetwork(address)
  return parsed && isMapped(parsed) ? ipv4Text(parsed.number & 0xffff_ffffn) : address
}

function isMapped({ number, bits }: Network): boolean {
  return bits === 128 && number >> 32n === 0xffffn
}

function classOf(address: bigint, bits: 32 | 128, ranges: Range[]): AddressClass | undefined {
  const toNumber = bits === 32 ? ipv4Number : ipv6Number
  return ranges.find(([network, prefixBits]) => contains(toNumber(network), prefixBits, address, bits))?.[2]
}

function contains(network: bigint, prefixBits: number, address: bigint, bits: number): boolean {
  const hostBits = BigInt(bits - prefixBits)
  return network >> hostBits === address >> hostBits
}

function ipv4Number(address: string): bigint {
  return address.split('.').reduce((number, byte) => number * 256n + BigInt(byte), 0n)
}

function ipv4Text(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 0xffn).join('.')
}

function ipv6Number(address: string): bigint {
  // The URL parser writes an address in its canonical form: hexadecimal groups only, no dotted tail.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups.reduce((number, group) => number * 0x1_0000n + BigInt(`0x${group}`), 0n)
}
