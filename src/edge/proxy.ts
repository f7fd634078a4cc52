import { isIPv6 } from 'node:net'

import type { Logger } from 'pino'

import { checkHost, OutboundError } from '../deploy/outbound.ts'
import { limits } from '../model/limits.ts'
import type { Answer } from './answer.ts'
import { errorPage } from './pages.ts'
import { forwardedHeaders, isLoop, returnedHeaders } from './proxy-headers.ts'
import type { Visitor } from './visitors.ts'

/** What a rule fetches for a visitor. */
export interface ProxyTask {
  url: string
  /** Takes the place of the status that is answered there. */
  status?: number
  visitor: Visitor
  /** Of the visitor's request: the server behind us is told it. */
  id: string
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
  /** Where to dial for a URL: an address that was checked. */
  dial(url: URL): Promise<Dialled>
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
  const resolved = new Map<string, { addresses: Promise<string[]>; until: number }>()

  /** A look-up for each request would cost more than the request. */
  function addressesOf(host: string): Promise<string[]> {
    const known = resolved.get(host)
    if (known && known.until > performance.now()) return known.addresses
    if (resolved.size >= limits.proxyHostsMax) resolved.clear()
    const addresses = checkHost(host, options)
    resolved.set(host, { addresses, until: performance.now() + limits.proxyAddressSecondsMax * 1000 })
    addresses.catch(() => resolved.delete(host))
    return addresses
  }

  async function dial(url: URL, turn = 0): Promise<Dialled> {
    const addresses = await addressesOf(url.hostname)
    const address = addresses[turn % addresses.length]!
    const place = `${isIPv6(address) ? `[${address}]` : address}${url.port === '' ? '' : `:${url.port}`}`
    const dialled = `${url.protocol}//${place}${url.pathname}${url.search}`
    return { url: dialled, host: url.host, tls: { serverName: url.hostname } }
  }

  async function tryOnce(request: Request, url: URL, task: ProxyTask, turn: number): Promise<Response> {
    const { url: address, host, tls } = await dial(url, turn)
    const controller = new AbortController()
    const timer = setTimeout(
      () => controller.abort(new DOMException('no answer', 'TimeoutError')),
      secondsPerTry * 1000,
    )
    // Also later, while the answer is passed on. `AbortSignal.any` costs several times as much.
    const { signal } = request
    signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
    try {
      return await fetch(address, {
        method: request.method,
        headers: forwardedHeaders(request, host, task),
        body: request.body,
        signal: controller.signal,
        redirect: 'manual',
        decompress: false,
        proxy: false,
        ...(url.protocol === 'https:' && { tls }),
      } as RequestInit)
    } finally {
      clearTimeout(timer)
    }
  }

  async function send(request: Request, url: URL, task: ProxyTask): Promise<Response> {
    const triesMax = repeatable.has(request.method) && !request.body ? limits.proxyTriesMax : 1
    const deadline = performance.now() + limits.proxySecondsMax * 1000
    for (let turn = 0; ; turn++) {
      try {
        return await tryOnce(request, url, task, turn)
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
      const url = URL.parse(task.url)
      const { id } = task
      const page = (status: number, title: string, text: string): Answer =>
        errorPage(status, title, text, head, id)
      if (!url) return page(502, 'Bad gateway', 'The rule for this address leads nowhere.')
      if (isLoop(request)) return page(508, 'Loop detected', 'The rules lead back to this site.')
      try {
        const upstream = await send(request, url, task)
        const status = task.status ?? upstream.status
        const headers = returnedHeaders(upstream.headers)
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
      } catch (error) {
        if (request.signal.aborted) return page(499, 'Closed', 'The visitor has gone.')
        log.warn({ err: error, host: url.host, requestId: id }, 'what a rule leads to did not answer')
        const isLate = error instanceof Error && error.name === 'TimeoutError'
        return isLate
          ? page(504, 'Gateway timeout', 'The server behind this address took too long.')
          : page(502, 'Bad gateway', 'The server behind this address could not be reached.')
      }
    },
  }
}

/** As far as it is announced; what comes in pieces is as long as it is. */
function lengthOf(headers: Headers): number | undefined {
  const text = headers.get('content-length')
  return text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}
