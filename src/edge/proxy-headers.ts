import { randomBytes } from 'node:crypto'

import { commandsProxy, ownCookie } from '../model/answer-headers.ts'
import { Remembered } from '../model/remembered.ts'
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

/** Names from their beginning to their end. docs/security.md says what they are. */
const whole = (names: string[]) => new RegExp(`^(?:${names.join('|')})$`)

/**
 * By which frameworks, servers and we talk to themselves: from a visitor they would pass for their own. No browser sends any of
 * them, but for `x-middleware-prefetch`, without which Next.js answers with the data instead of with nothing.
 */
const internal = whole([
  // Next.js: CVE-2025-29927, CVE-2023-46298; CVE-2024-46982 and CVE-2025-32421; CVE-2026-44581 for the policy.
  'x-(?:middleware|invoke)-.+',
  'x-(?:matched-path|now-route-matches|nextjs-postponed|next-cache-tags)',
  'next-resume',
  'content-security-policy(?:-report-only)?',
  'x-(?:vinext|opennext)-.+',
  // React Router: CVE-2025-43864, CVE-2025-43865.
  'x-react-router-(?:spa-mode|prerender-data)',
  'x-(?:nuxt-error|nitro-prerender)',
  // Astro: CVE-2026-33768.
  'x-astro-(?:path|locals|middleware-secret)',
  // A CGI program would take it for its own proxy: CVE-2016-5385.
  'proxy',
  'x-preamp-.+',
])

/** What only a proxy may say: where a request came from, and for which address it was meant. */
const saidByProxies = whole([
  'forwarded',
  'x-forwarded(?:-.+)?',
  'x-(?:real|client|cluster-client|remote|originating)-ip',
  'x-(?:remote-addr|proxyuser-ip)',
  '(?:(?:wl-)?proxy-)?client-ip',
  'true-client-ip',
  // Some servers take them for the address that was asked for: CVE-2018-14773.
  'x-original-(?:host|url|uri|path|method|proto|forwarded-.+)',
  'x-rewrite-(?:url|uri)',
  'x-(?:host|http-host-override|scheme|url-scheme|script-name)',
  'front-end-https',
  // Of services that stand in front: Cloudflare, Fastly, Fly.io, CloudFront, Vercel, Netlify, Azure, Google, Akamai, Envoy.
  'cf-(?:connecting-ip(?:v6)?|pseudo-ipv4|visitor|ip[a-z]+)',
  'fastly-(?:client-ip|ssl)',
  'fly-(?:client-ip|forwarded-.+)',
  'cloudfront-.+',
  // What a visitor may say to Vercel, who tests a site that is closed to others, is left.
  'x-vercel-(?!protection-bypass$|set-bypass-cookie$|skip-toolbar$).+',
  'x-nf-(?:client-connection-ip|geo)',
  'x-azure-(?:client|socket)ip',
  'x-appengine-.+',
  'x-akamai-edgescape',
  'x-envoy-.+',
])

/** By which Next.js asks itself for the data of a page. Elsewhere it makes redirects useless: CVE-2026-44572. */
const nextData = 'x-nextjs-data'
const nextDataPath = '/_next/data/'

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
  const headers = new Headers(request.headers)
  removeHops(headers)
  for (const name of request.headers.keys()) {
    const kind = kindOf(name)
    if (kind === 'refused' || (kind === 'said-by-proxies' && !isProxied)) headers.delete(name)
    if (kind === 'next-data' && !task.target.path.includes(nextDataPath)) headers.delete(name)
  }
  if (!isProxied && visitor.countryHeader !== undefined) headers.delete(visitor.countryHeader)
  if (!keepsAuthorization) headers.delete('authorization')
  // The body comes as it was read: how long it is, the connection behind us says anew.
  if (!/^[0-9]+$/.test(headers.get('content-length') ?? '0')) headers.delete('content-length')
  const before = visitor.forwarded()
  headers.set('host', host)
  headers.set('x-forwarded-for', before.for)
  headers.set('x-forwarded-host', before.host)
  headers.set('x-forwarded-proto', before.proto)
  headers.set(requestIdHeader, task.id)
  headers.append('via', `1.1 ${pseudonym}`)
  return headers
}

/** What stands in each request to a server behind us, and is made by us or has been looked at: other spellings have not. */
const ours = new Set([
  ...hopByHop,
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'via',
  requestIdHeader,
])

type HeaderKind = 'passed-on' | 'refused' | 'said-by-proxies' | 'next-data'

/** Of names that were met before. Visitors may make up any number of them. */
const kinds = new Remembered<HeaderKind>({ entriesMax: 1000, charactersMax: 100 })

function kindOf(name: string): HeaderKind {
  return kinds.get(name) ?? kinds.set(name, kindOfNew(name))
}

function kindOfNew(name: string): HeaderKind {
  // Some servers, and CGI, take an underscore or other signs for a hyphen.
  const meant = name.replaceAll(/[^a-z0-9]/g, '-')
  // `Expect` was met on this connection already.
  if (internal.test(meant) || meant === 'expect') return 'refused'
  if (meant !== name && ours.has(meant)) return 'refused'
  if (saidByProxies.test(meant)) return meant === name ? 'said-by-proxies' : 'refused'
  return meant === nextData ? 'next-data' : 'passed-on'
}

/** Takes out of the answer of a server behind us what the proxy in front would obey, and what is for the sites of others. */
export function tameAnswer(headers: Headers, siteSuffix: string): void {
  for (const name of [...headers.keys()].filter(commandsProxy)) headers.delete(name)
  if (!headers.has('set-cookie')) return
  const cookies = headers.getSetCookie()
  const own = cookies.map((cookie) => ownCookie(cookie, siteSuffix))
  if (own.every((cookie, index) => cookie === cookies[index])) return
  headers.delete('set-cookie')
  for (const cookie of own) headers.append('set-cookie', cookie)
}

/** Takes out what is for one connection alone: by its name, or because Connection says so. */
export function removeHops(headers: Headers): void {
  const connection = headers.get('connection')
  for (const name of hopByHop) if (headers.has(name)) headers.delete(name)
  if (connection === null || connection === 'keep-alive' || connection === 'close') return
  for (const name of connection.split(',').map((text) => text.trim())) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) headers.delete(name)
  }
}
