import { isIP } from 'node:net'

import { isInNetwork, type Network } from '../model/addresses.ts'
import { canonicalName } from '../model/domain-names.ts'

/** Who asks, as rules, access and the access log see it. Each is found out when it is asked for. */
export interface Visitor {
  address(): string | undefined
  /** Undefined behind a trusted proxy, which does not tell it, and where the visitor is gone. */
  port(): number | undefined
  /** Whether a trusted proxy has sent the request. */
  isProxied(): boolean
  /** By which the visitor came; undefined where that cannot be known, as somebody may stand in front. */
  scheme(): Scheme | undefined
  /** ISO 3166-1 alpha-2. */
  country(): string | undefined
  /** In which trusted proxies tell the country, and strangers may tell anything. */
  readonly countryHeader: string | undefined
  /** What a server behind us is told. */
  forwarded(): { for: string; host: string; proto: Scheme }
}

export type Scheme = 'http' | 'https'

export interface VisitorOptions {
  /** Proxies in front, whose word on who asks is taken. */
  trustedProxies: Network[]
  /** Name of the header in which a trusted proxy tells the country. */
  countryHeader: string | undefined
  /** Country of an address, by a file of such. */
  countryOf: ((address: string) => string | undefined) | undefined
  /** Whether TLS ends here: plain HTTP from a stranger is then what the visitor speaks. */
  endsTls: boolean
  /** Port of the sites' address, empty for the usual one of its scheme; undefined where it is the one that is listened on. */
  sitesPort: string | undefined
}

export interface Peer {
  address: string
  port: number
}

/** The server to which somebody has connected. */
export interface Peers {
  requestIP(request: Request): Peer | null | undefined
  /** On which it listens. */
  readonly port: number | undefined
}

export type FindVisitor = (request: Request, peers: Peers) => Visitor

/** @returns tells who sent a request, given who has connected */
export function createVisitors(options: VisitorOptions): FindVisitor {
  return (request, peers) => new RequestVisitor(options, request, peers)
}

/** Made for each request: a class, as closures would each be an object of its own. */
class RequestVisitor implements Visitor {
  readonly countryHeader: string | undefined
  private readonly options: VisitorOptions
  private readonly request: Request
  private readonly peers: Peers
  private knownPeer: Peer | null | undefined
  private proxied: boolean | undefined

  constructor(options: VisitorOptions, request: Request, peers: Peers) {
    this.options = options
    this.countryHeader = options.countryHeader
    this.request = request
    this.peers = peers
  }

  /** Who has connected. To ask for it is a system call. */
  private peer(): Peer | undefined {
    return (this.knownPeer ??= this.peers.requestIP(this.request)) ?? undefined
  }

  private isTrusted(address: string): boolean {
    return this.options.trustedProxies.some((network) => isInNetwork(address, network))
  }

  isProxied(): boolean {
    if (this.options.trustedProxies.length === 0) return false
    const peer = this.peer()
    return (this.proxied ??= peer !== undefined && this.isTrusted(peer.address))
  }

  /** The last one of those in X-Forwarded-For that no trusted proxy has: what stands before it, anybody may have written. */
  address(): string | undefined {
    const peer = this.peer()
    if (!this.isProxied()) return peer?.address
    const forwarded = (this.request.headers.get('x-forwarded-for') ?? '').split(',').map(readAddress)
    const last = forwarded.findLast((address) => address === undefined || !this.isTrusted(address))
    return last ?? peer!.address
  }

  port(): number | undefined {
    return this.isProxied() ? undefined : this.peer()?.port
  }

  scheme(): Scheme | undefined {
    if (this.isProxied()) return readScheme(this.request.headers.get('x-forwarded-proto'))
    return this.options.endsTls ? schemeOf(this.request) : undefined
  }

  country(): string | undefined {
    const { countryHeader } = this
    const { countryOf } = this.options
    const isTold = countryHeader !== undefined && this.isProxied()
    const told = isTold ? this.request.headers.get(countryHeader) : null
    if (told !== null && /^[a-z]{2}$/i.test(told)) return told.toUpperCase()
    const address = this.address()
    return address === undefined ? undefined : countryOf?.(address)
  }

  /** In its one spelling, as servers make links of it. A port that is not that of the sites, the visitor may have made up. */
  private host(): string {
    const [name = '', port = ''] = (this.request.headers.get('host') ?? '').split(':')
    const isOurs = port !== '' && port === (this.options.sitesPort ?? String(this.peers.port))
    return isOurs ? `${canonicalName(name)}:${port}` : canonicalName(name)
  }

  forwarded(): { for: string; host: string; proto: Scheme } {
    const from = this.peer()?.address ?? 'unknown'
    const before = this.isProxied() ? this.request.headers.get('x-forwarded-for') : null
    return {
      for: before === null ? from : `${before}, ${from}`,
      host: this.host(),
      proto: this.scheme() ?? schemeOf(this.request),
    }
  }
}

/** By which the request came to this server. */
export function schemeOf({ url }: Pick<Request, 'url'>): Scheme {
  return url.startsWith('https:') ? 'https' : 'http'
}

/** Some proxies write the port behind it. @returns undefined for what is no address */
function readAddress(text: string): string | undefined {
  const [, bracketed, ipv4] = /^\s*(?:\[([^\]]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+)\s*$/.exec(text) ?? []
  const address = bracketed ?? ipv4 ?? text.trim()
  return isIP(address) === 0 ? undefined : address
}

/** A list is of several proxies that do not agree: nothing is known. */
export function readScheme(text: string | null): Scheme | undefined {
  const scheme = text?.trim().toLowerCase()
  return scheme === 'https' || scheme === 'http' ? scheme : undefined
}
