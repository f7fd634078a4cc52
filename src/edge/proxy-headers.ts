import { randomBytes } from 'node:crypto'

import type { ProxyTask } from './proxy.ts'
import { requestIdHeader } from './request-id.ts'

/** Of one connection (RFC 9110 §7.6.1); what Connection names is as well. */
const hopByHop = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/**
 * By which frameworks talk to themselves: from a visitor they would pass for their own. Next.js (CVE-2025-29927, and
 * CVE-2024-46982 for `x-now-route-matches`), React Router (CVE-2025-43864, CVE-2025-43865), Nuxt, Astro, and ourselves.
 */
const internal =
  /^(?:x-(?:middleware-|invoke-|matched-path$|now-route-matches$|nextjs-postponed$|next-cache-tags$|react-router-(?:spa-mode|prerender-data)$|nuxt-error$|nitro-prerender$|astro-(?:path|locals|middleware-secret)$|preamp-)|next-resume$)/

/** What only a proxy may say: where a request came from, and for which address it was meant. */
const saidByProxies =
  /^(?:forwarded|x-(?:forwarded(?:-.+)?|real-ip|client-ip|cluster-client-ip|original-(?:host|url|uri)|rewrite-url|host|url-scheme)|true-client-ip|cf-(?:connecting-ip|ipcountry)|fastly-client-ip|fly-client-ip|cloudfront-viewer-.+)$/

/** Tells our own hops from those of others (RFC 9110 §7.6.3). */
const pseudonym = `preamp-${randomBytes(4).toString('hex')}`
const hopsMax = 3

/** Whether a request has come back to us more often than sites of ours stand behind each other. */
export function isLoop({ headers }: Request): boolean {
  return (headers.get('via') ?? '').split(pseudonym).length - 1 >= hopsMax
}

/**
 * The headers of a request on its way to a server behind us. From who is no trusted proxy none is taken that tells of the way
 * here, and from nobody one by which that server talks to itself.
 */
export function forwardedHeaders(request: Request, host: string, task: ProxyTask): Headers {
  const { visitor, keepsAuthorization } = task
  const isProxied = visitor.isProxied()
  const headers = withoutHops(request.headers)
  for (const name of request.headers.keys()) {
    const kind = kindOf(name)
    if (kind === 'refused' || (kind === 'said-by-proxies' && !isProxied)) headers.delete(name)
  }
  if (!isProxied && visitor.countryHeader !== undefined) headers.delete(visitor.countryHeader)
  if (!keepsAuthorization) headers.delete('authorization')
  // The body comes as it was read: how long it is, the connection behind us says anew.
  if (!/^[0-9]+$/.test(headers.get('content-length') ?? '0')) headers.delete('content-length')
  const before = visitor.forwarded()
  headers.set('host', host)
  headers.set('x-forwarded-for', before.for)
  headers.set('x-forwarded-host', request.headers.get('host') ?? new URL(request.url).host)
  headers.set('x-forwarded-proto', before.proto)
  headers.set(requestIdHeader, task.id)
  headers.append('via', `1.1 ${pseudonym}`)
  return headers
}

type HeaderKind = 'passed-on' | 'refused' | 'said-by-proxies'

/** Of names that were met before. Visitors may make up any number of them. */
const kinds = new Map<string, HeaderKind>()
const kindsMax = 1000

function kindOf(name: string): HeaderKind {
  const known = kinds.get(name)
  if (known) return known
  // Some servers take an underscore for a hyphen.
  const meant = name.replaceAll('_', '-')
  const isSaid = saidByProxies.test(meant)
  // `Expect` was met on this connection already.
  const isRefused = internal.test(meant) || meant === 'expect' || (meant !== name && isSaid)
  const kind = isRefused ? 'refused' : isSaid ? 'said-by-proxies' : 'passed-on'
  if (kinds.size >= kindsMax) kinds.clear()
  kinds.set(name, kind)
  return kind
}

/** The headers of an answer on its way to the visitor. */
export function returnedHeaders(answered: Headers): Headers {
  return withoutHops(answered)
}

function withoutHops(headers: Headers): Headers {
  const kept = new Headers(headers)
  const connection = headers.get('connection')
  for (const name of hopByHop) if (headers.has(name)) kept.delete(name)
  if (connection === null || connection === 'keep-alive' || connection === 'close') return kept
  for (const name of connection.split(',').map((text) => text.trim())) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) kept.delete(name)
  }
  return kept
}
