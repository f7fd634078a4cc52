import { BadRequestException } from './errors.ts'
import type { HttpRequest } from './http.ts'

/** Where a request goes: its target split before it is decoded, so that `feature%2Fx` stays one segment. */
export interface Target {
  /** As clients reach this server, with its port if one was sent. */
  host: string
  /** As it was sent: what clients sign. */
  path: string
  /** Each decoded once. An empty one stands where two slashes meet, and after a slash at the end. */
  segments: readonly string[]
  /** Decoded once; `+` is a plus, as in SigV4's canonical form. A parameter that was sent twice has two values. */
  query: ReadonlyMap<string, readonly string[]>
}

/** A name, an IPv4 address or a bracketed IPv6 address, and perhaps a port (RFC 9110 §7.2, without user information). */
const hostPattern = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,254}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/

/** @throws {BadRequestException} for a Host or a target that no client means to send */
export function readTarget(request: Pick<HttpRequest, 'target' | 'headers'>): Target {
  const host = readHost(request.headers.get('host') ?? [])
  const [path, query] = cutOnce(originForm(request.target, host), '?')
  const rawSegments = path.slice(1).split('/')
  // Signers resolve dot segments away: such a path could be signed as one operation and be sent as another.
  if (rawSegments.some((segment) => segment === '.' || segment === '..')) {
    throw new BadRequestException('The request path must not hold the segments . or ..')
  }
  return { host, path, segments: rawSegments.map(decode), query: readQuery(query) }
}

function readHost(values: readonly string[]): string {
  const [host] = values
  if (values.length !== 1 || host === undefined || !hostPattern.test(host)) {
    throw new BadRequestException('The request must have exactly one valid Host header.')
  }
  return host
}

/** Path and query of an origin-form or absolute-form target (RFC 9112 §3.2); the absolute form must name the same host. */
function originForm(target: string, host: string): string {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target)
  const path = absolute ? absolute[2]!.replace(/^(?!\/)/, '/') : target
  if (absolute && absolute[1]!.toLowerCase() !== host.toLowerCase()) {
    throw new BadRequestException('The request target and the Host header name different hosts.')
  }
  if (!/^\/[!-~]*$/.test(path) || path.includes('#')) {
    throw new BadRequestException('The request target is not a path of printable ASCII characters.')
  }
  return path
}

function readQuery(text: string): Map<string, string[]> {
  const query = new Map<string, string[]>()
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const [name, value] = cutOnce(pair, '=').map(decode) as [string, string]
    // The signer keeps parameters in plain objects, where this name would be lost unsigned.
    if (name === '__proto__') throw new BadRequestException('No parameter may be called __proto__.')
    // Added in place: a stranger's request may hold one name ten thousand times.
    const values = query.get(name)
    if (values) values.push(value)
    else query.set(name, [value])
  }
  return query
}

function cutOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BadRequestException('The request target holds malformed percent-encoding.')
  }
}
