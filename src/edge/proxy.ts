import type { Logger } from 'pino'

import { checkHost, OutboundError } from '../deploy/outbound.ts'
import { limits } from '../model/limits.ts'
import type { Answer } from './answer.ts'
import { errorPage } from './pages.ts'
import { forwardedHeaders, isLoop, removeHops } from './proxy-headers.ts'
import { type ProxyTarget, urlAt } from './proxy-target.ts'
import { ProxyTry } from './proxy-try.ts'
import { tooLarge, type UnannouncedBody } from './request-body.ts'
import type { Visitor } from './visitors.ts'

/** What a rule fetches for a visitor. */
export interface ProxyTask {
  target: ProxyTarget
  /** Takes the place of the status that is answered there. */
  status?: number
  visitor: Visitor
  /** Of the visitor's request: the server behind us is told it. */
  id: string
  /** In place of the one of the request. */
  body?: UnannouncedBody
  /** Whether Authorization is for the site itself, and nobody else's business. */
  keepsAuthorization: boolean
}

export interface ProxyOptions {
  /** Whether private and loopback addresses may be reached. */
  privateAllowed: boolean
  secondsPerTry?: number
  log: Logger
}

export interface ReverseProxy {
  /** Sends a request on, and hands back what is answered, as it comes (contract/hosting-behaviour.md §5.7). */
  forward(request: Request, task: ProxyTask): Promise<Answer>
  /** Where to dial: an address that was checked. */
  dial(target: ProxyTarget): Dialled | Promise<Dialled>
}

/** What `fetch` needs to connect to an address that was checked, for a host that is known by name. */
export interface Dialled {
  url: string
  host: string
  tls: { serverName: string }
}

/** Nothing changes for being asked twice (RFC 9110 §9.2.2), and there is no body that would have to be sent anew. */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS'])

export function createProxy(options: ProxyOptions): ReverseProxy {
  const { log, secondsPerTry = limits.proxyTrySecondsMax } = options
  const resolved = new Map<string, { addresses: string[] | Promise<string[]>; until: number }>()

  /** A look-up for each request would cost more than the request. */
  function addressesOf(host: string): string[] | Promise<string[]> {
    const known = resolved.get(host)
    if (known && known.until > performance.now()) return known.addresses
    if (resolved.size >= limits.proxyHostsMax) resolved.clear()
    const until = performance.now() + limits.proxyAddressSecondsMax * 1000
    const addresses = checkHost(host, options)
    resolved.set(host, { addresses, until })
    addresses.then(
      (found) => resolved.set(host, { addresses: found, until }),
      () => resolved.delete(host),
    )
    return addresses
  }

  function dial(target: ProxyTarget, turn = 0): Dialled | Promise<Dialled> {
    const addresses = addressesOf(target.hostname)
    return addresses instanceof Promise
      ? addresses.then((found) => dialled(target, found, turn))
      : dialled(target, addresses, turn)
  }

  async function tryOnce(request: Request, task: ProxyTask, turn: number): Promise<Response> {
    const { target } = task
    const dialling = dial(target, turn)
    const { url, host, tls } = dialling instanceof Promise ? await dialling : dialling
    const attempt = new ProxyTry(request, secondsPerTry * 1000)
    try {
      const response = await fetch(url, {
        method: request.method,
        headers: forwardedHeaders(request, host, task),
        body: task.body?.stream ?? request.body,
        signal: attempt.signal,
        redirect: 'manual',
        decompress: false,
        proxy: false,
        ...(target.isTls && { tls }),
      } as RequestInit)
      // What is short is there already, or will be before it is known that the visitor has gone.
      if (!isShort(response.headers)) attempt.follow()
      return response
    } finally {
      attempt.settle()
    }
  }

  async function send(request: Request, task: ProxyTask): Promise<Response> {
    const triesMax = repeatable.has(request.method) && !request.body ? limits.proxyTriesMax : 1
    const deadline = performance.now() + limits.proxySecondsMax * 1000
    for (let turn = 0; ; turn++) {
      try {
        return await tryOnce(request, task, turn)
      } catch (error) {
        const isLast = turn + 1 >= triesMax || performance.now() > deadline
        if (isLast || request.signal.aborted || error instanceof OutboundError) throw error
      }
    }
  }

  return {
    dial,
    async forward(request, task) {
      const head = request.method === 'HEAD'
      const { id, target } = task
      const page = (status: number, title: string, text: string): Answer =>
        errorPage(status, title, text, head, id)
      if (isLoop(request)) return page(508, 'Loop detected', 'The rules lead back to this site.')
      try {
        return handedOn(await send(request, task), task)
      } catch (error) {
        if (task.body?.isTooLong) return tooLarge()
        if (request.signal.aborted) return page(499, 'Closed', 'The visitor has gone.')
        log.warn({ err: error, host: target.host, requestId: id }, 'what a rule leads to did not answer')
        const isLate = error instanceof Error && error.name === 'TimeoutError'
        return isLate
          ? page(504, 'Gateway timeout', 'The server behind this address took too long.')
          : page(502, 'Bad gateway', 'The server behind this address could not be reached.')
      }
    },
  }
}

/** The answer of the server behind us as the visitor gets it. */
function handedOn(upstream: Response, { id, status = upstream.status }: ProxyTask): Answer {
  const { headers } = upstream
  removeHops(headers)
  const contentType = headers.get('content-type')
  const contentLength = lengthOf(headers)
  return {
    headers,
    body: upstream.body,
    id,
    facts: {
      status,
      ...(contentType !== null && { contentType }),
      ...(contentLength !== undefined && { contentLength }),
    },
  }
}

function dialled(target: ProxyTarget, addresses: string[], turn: number): Dialled {
  const url = urlAt(target, addresses[turn % addresses.length]!)
  return { url, host: target.host, tls: { serverName: target.hostname } }
}

/** Announced to be so long that it comes in one piece. */
function isShort(headers: Headers): boolean {
  return (lengthOf(headers) ?? Infinity) <= limits.proxyShortBytesMax
}

/** As far as it is announced; what comes in pieces is as long as it is. */
function lengthOf(headers: Headers): number | undefined {
  const text = headers.get('content-length')
  return text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}
