import type { Logger } from 'pino'

import { OutboundError } from '../deploy/outbound.ts'
import { limits } from '../model/limits.ts'
import type { Answer } from './answer.ts'
import { FetchSlots } from './fetch-slots.ts'
import { errorPage } from './pages.ts'
import { createProxyAddresses, TooManyLookUps } from './proxy-addresses.ts'
import { heldUntilTaken } from './proxy-body.ts'
import { forwardedHeaders, isLoop, removeHops } from './proxy-headers.ts'
import { type ProxyTarget, urlAt } from './proxy-target.ts'
import { ProxyTry } from './proxy-try.ts'
import { tooLarge, type UnannouncedBody } from './request-body.ts'
import type { Visitor } from './visitors.ts'

/** What a rule fetches for a visitor. */
export interface ProxyTask {
  /** Whose rule it is. */
  appId: string
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
  dial(task: Pick<ProxyTask, 'appId' | 'target'>): Dialled | Promise<Dialled>
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
  const addresses = createProxyAddresses(options)
  const slots = new FetchSlots()
  const refusals = createRefusalLog(log)

  function dial(
    { appId, target }: Pick<ProxyTask, 'appId' | 'target'>,
    turn = 0,
  ): Dialled | Promise<Dialled> {
    const found = addresses.of(target.hostname, appId)
    return found instanceof Promise
      ? found.then((checked) => dialled(target, checked, turn))
      : dialled(target, found, turn)
  }

  /** The look-up of a host is part of the try: it has its time and no other. */
  async function tryOnce(
    request: Request,
    task: ProxyTask,
    turn: number,
    release: () => void,
  ): Promise<Fetched> {
    const attempt = new ProxyTry(request, secondsPerTry * 1000)
    try {
      const dialling = dial(task, turn)
      const { url, host, tls } = dialling instanceof Promise ? await dialling : dialling
      const response = await fetch(url, {
        method: request.method,
        headers: forwardedHeaders(request, host, task),
        body: task.body?.stream ?? request.body,
        signal: attempt.signal,
        redirect: 'manual',
        decompress: false,
        proxy: false,
        ...(task.target.isTls && { tls }),
      } as RequestInit)
      if (!hasBody(request, response)) return { response, body: null }
      // It is there already, or will be before it is known that the visitor has gone.
      if (isShort(response.headers)) return { response, body: await response.arrayBuffer() }
      attempt.follow()
      const { body } = response
      return { response, body: body && heldUntilTaken(body, attempt.signal, release) }
    } finally {
      attempt.settle()
    }
  }

  async function send(request: Request, task: ProxyTask, release: () => void): Promise<Fetched> {
    const triesMax = repeatable.has(request.method) && !request.body ? limits.proxyTriesMax : 1
    const deadline = performance.now() + limits.proxySecondsMax * 1000
    for (let turn = 0; ; turn++) {
      try {
        return await tryOnce(request, task, turn, release)
      } catch (error) {
        const isLast = turn + 1 >= triesMax || performance.now() > deadline
        const isFinal = error instanceof OutboundError || error instanceof TooManyLookUps
        if (isLast || isFinal || request.signal.aborted) throw error
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
      const busy = (): Answer => {
        refusals.tell(task)
        const answer = page(
          503,
          'Too busy',
          'Too much is being fetched at the moment. Please try again later.',
        )
        answer.headers.set('retry-after', String(limits.proxyRetrySeconds))
        return answer
      }
      const release = slots.take(task.appId, task.visitor.address())
      if (!release) return busy()
      try {
        const fetched = await send(request, task, release)
        if (!(fetched.body instanceof ReadableStream)) release()
        return handedOn(fetched, task)
      } catch (error) {
        release()
        if (task.body?.isTooLong) return tooLarge()
        if (error instanceof TooManyLookUps) return busy()
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

/** What was answered; a body that is no stream is all there. */
interface Fetched {
  response: Response
  body: ReadableStream<Uint8Array> | ArrayBuffer | null
}

/** Of visitors who found too much being fetched: a line a second at most, or they would fill the log. */
function createRefusalLog(log: Logger): { tell(task: ProxyTask): void } {
  let refused = 0
  let toldAt = -Infinity
  return {
    tell({ appId, id: requestId }) {
      refused += 1
      if (performance.now() - toldAt < 1000) return
      log.warn(
        { appId, requestId, refused },
        'what rules fetch at once is as much as may be: visitors get 503',
      )
      toldAt = performance.now()
      refused = 0
    },
  }
}

/** The answer of the server behind us as the visitor gets it. */
function handedOn({ response, body }: Fetched, { id, status = response.status }: ProxyTask): Answer {
  const { headers } = response
  removeHops(headers)
  const contentType = headers.get('content-type')
  const contentLength = lengthOf(headers)
  return {
    headers,
    body,
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

function hasBody({ method }: Request, { status }: Response): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304
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
