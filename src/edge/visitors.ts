import { isInNetwork, type Network } from '../model/addresses.ts'

/** Who asks, as far as rules and access look at it. Each is found out when it is asked for. */
export interface Visitor {
  address(): string | undefined
  /** ISO 3166-1 alpha-2. */
  country(): string | undefined
  /** What a server behind us is told: addresses on the way, and the scheme where a trusted proxy has told it. */
  forwarded(): { for: string; proto: string | undefined }
}

export interface VisitorOptions {
  /** Proxies in front, whose word on who asks is taken. */
  trustedProxies: Network[]
  /** Name of the header in which a trusted proxy tells the country. */
  countryHeader: string | undefined
  /** Country of an address, by a file of such. */
  countryOf: ((address: string) => string | undefined) | undefined
}

export type FindVisitor = (request: Request, peer: () => string | undefined) => Visitor

/** @returns tells who sent a request, given the address that it came from */
export function createVisitors({ trustedProxies, countryHeader, countryOf }: VisitorOptions): FindVisitor {
  const isTrusted = (address: string | undefined): boolean =>
    address !== undefined && trustedProxies.some((network) => isInNetwork(address, network))

  /** The last one of those in X-Forwarded-For that no trusted proxy has: what stands before it, anybody may have written. */
  function addressOf({ headers }: Request, peer: string | undefined): string | undefined {
    if (!isTrusted(peer)) return peer
    const forwarded = (headers.get('x-forwarded-for') ?? '').split(',').map((text) => text.trim())
    return forwarded.findLast((address) => address !== '' && !isTrusted(address)) ?? peer
  }

  return (request, peer) => {
    let found: { address: string | undefined } | undefined
    const address = (): string | undefined => (found ??= { address: addressOf(request, peer()) }).address
    return {
      address,
      country() {
        const told =
          countryHeader === undefined || !isTrusted(peer()) ? null : request.headers.get(countryHeader)
        if (told !== null && /^[a-z]{2}$/i.test(told)) return told.toUpperCase()
        const from = address()
        return from === undefined ? undefined : countryOf?.(from)
      },
      forwarded() {
        const from = peer() ?? 'unknown'
        if (!isTrusted(from)) return { for: from, proto: undefined }
        const before = request.headers.get('x-forwarded-for')
        const proto = request.headers.get('x-forwarded-proto')
        return {
          for: before === null ? from : `${before}, ${from}`,
          proto: proto === 'https' || proto === 'http' ? proto : undefined,
        }
      },
    }
  }
}
