import { randomBytes } from 'node:crypto'

import type { ProxyTask } from './proxy.ts'
import { requestIdHeader } from './request-id.ts'

/** Of one connection (RFC 9110 §7.6.1); what Connection names is as well. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** By which frameworks talk to themselves: from a visitor they would pass for their own (CVE-2025-29927). */
const internal = /^x-(?:middleware-|invoke-|nextjs-postponed|matched-path$|preamp-)/

/** Tells our own hops from those of others (RFC 9110 §7.6.3). */
const pseudonym = `preamp-${randomBytes(4).toString('hex')}`
const hopsMax = 3

/** Whether a request has come back to us more often than sites of ours stand behind each other. */
export function isLoop({ headers }: Request): boolean {
  return (headers.get('via') ?? '').split(pseudonym).length - 1 >= hopsMax
}

/** The headers of a request on its way to the target of a rule. */
export function forwardedHeaders(request: Request, host: string, task: ProxyTask): Headers {
  const headers = withoutHops(request.headers)
  for (const name of request.headers.keys()) if (internal.test(name)) headers.delete(name)
  if (!task.keepsAuthorization) headers.delete('authorization')
  const { protocol, host: asked } = new URL(request.url)
  const before = task.visitor.forwarded()
  headers.set('host', host)
  headers.set('x-forwarded-for', before.for)
  headers.set('x-forwarded-host', request.headers.get('host') ?? asked)
  headers.set('x-forwarded-proto', before.proto ?? protocol.slice(0, -1))
  headers.set(requestIdHeader, task.id)
  headers.append('via', `1.1 ${pseudonym}`)
  return headers
}

/** The headers of an answer on its way to the visitor. */
export function returnedHeaders(answered: Headers): Headers {
  return withoutHops(answered)
}

function withoutHops(headers: Headers): Headers {
  const kept = new Headers(headers)
  const named = (headers.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase())
  for (const name of [...hopByHop, ...named]) if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) kept.delete(name)
  return kept
}
