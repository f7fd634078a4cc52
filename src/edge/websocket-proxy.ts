import type { ServerWebSocket, WebSocketHandler } from 'bun'

import { limits } from '../model/limits.ts'
import type { Answer } from './answer.ts'
import { errorPage } from './pages.ts'
import { forwardedHeaders } from './proxy-headers.ts'
import type { Dialled, ProxyTask, ReverseProxy } from './proxy.ts'
import { openWebSocket, type WebSocketClient } from './websocket-client.ts'
import { WebSocketCounts, type WebSocketPlace } from './websocket-counts.ts'
import { closeCodes, codeToSend } from './websocket-frames.ts'

export function wantsWebSocket({ method, headers }: Request): boolean {
  const isAsked = headers.get('upgrade')?.toLowerCase() === 'websocket'
  return method === 'GET' && isAsked && headers.has('sec-websocket-key')
}

export interface Tunnels {
  /**
   * Opens a WebSocket to the target of a rule and, once it stands, the visitor's side of it.
   * @returns an answer with status 101, which has been sent by then, or why there is no connection
   */
  open(request: Request, task: ProxyTask, server: Bun.Server<Tunnel>): Promise<Answer>
  /** The visitor's side of all of them. */
  handler: WebSocketHandler<Tunnel>
  /** Tells every visitor that this server goes away. */
  close(): void
}

/** The WebSockets of an edge, with bounds for each address of a visitor and for each app: each holds two connections. */
export function createTunnels(proxy: ReverseProxy): Tunnels {
  const visitors = new Set<ServerWebSocket<Tunnel>>()
  const counts = new WebSocketCounts()
  let isClosed = false

  async function openTunnel(
    request: Request,
    task: ProxyTask,
    place: WebSocketPlace,
    server: Bun.Server<Tunnel>,
  ): Promise<Answer> {
    const page = (status: number, title: string, text: string): Answer =>
      errorPage(status, title, text, false, task.id)
    const dialled = await dialOrNot(proxy, task)
    const upstream = dialled && (await connect(request, task, dialled))
    if (!upstream) {
      return page(502, 'Bad gateway', 'The server behind this address could not be reached.')
    }
    const { protocol } = upstream
    const headers = protocol === '' ? undefined : { 'sec-websocket-protocol': protocol }
    const data = new Tunnel(upstream, place)
    if (!server.upgrade(request, { data, ...(headers && { headers }) })) {
      upstream.destroy()
      return page(400, 'Bad request', 'The request does not open a WebSocket.')
    }
    return { headers: new Headers(), body: null, facts: { status: 101 }, id: task.id }
  }

  return {
    async open(request, task, server) {
      const place = counts.take(task.visitor.address() ?? '', task.appId)
      if (typeof place === 'string') return refusals[place]()
      let stands = false
      try {
        const answer = await openTunnel(request, task, place, server)
        stands = answer.facts.status === 101
        return answer
      } finally {
        if (!stands) place.free()
      }
    },
    handler: {
      maxPayloadLength: limits.visitorMessageBytesMax,
      backpressureLimit: limits.proxyMessageBytesMax,
      closeOnBackpressureLimit: true,
      open(visitor) {
        visitors.add(visitor)
        visitor.data.start(visitor)
        if (isClosed) visitor.close(closeCodes.goingAway)
      },
      message: ({ data }, message) => data.fromVisitor(message),
      drain: ({ data }) => data.drained(),
      close(visitor, code, reason) {
        visitors.delete(visitor)
        visitor.data.visitorClosed(code, reason)
      },
    },
    close() {
      isClosed = true
      for (const visitor of visitors) visitor.close(closeCodes.goingAway)
    },
  }
}

const refusals = {
  address: () => errorPage(429, 'Too many connections', 'Your address has too many connections open.'),
  app: () => errorPage(503, 'Too many connections', 'This site has too many connections open.'),
}

async function dialOrNot(proxy: ReverseProxy, task: ProxyTask): Promise<Dialled | undefined> {
  try {
    return await proxy.dial(task)
  } catch {
    return undefined
  }
}

/** Of the visitor's own connection. */
const webSocketHeaders = [
  'content-length',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
]

function connect(
  request: Request,
  task: ProxyTask,
  { url, host, tls }: Dialled,
): Promise<WebSocketClient | undefined> {
  const headers = forwardedHeaders(request, host, task)
  const protocols = (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim())
  for (const name of webSocketHeaders) headers.delete(name)
  const late = AbortSignal.timeout(limits.proxyTrySecondsMax * 1000)
  return openWebSocket({
    url,
    serverName: tls.serverName,
    headers,
    protocols: protocols.filter((name) => name !== ''),
    signal: AbortSignal.any([request.signal, late]),
  })
}

/** A visitor's connection, and the one that was opened for it. Each waits for the other. */
export class Tunnel {
  readonly #upstream: WebSocketClient
  readonly #place: WebSocketPlace
  #visitor: ServerWebSocket<Tunnel> | undefined
  #isVisitorGone = false
  #isUpstreamGone = false
  /** With which the visitor's side is closed once it has taken what came before. */
  #closing: { code: number; reason: string } | undefined

  constructor(upstream: WebSocketClient, place: WebSocketPlace) {
    this.#upstream = upstream
    this.#place = place
  }

  start(visitor: ServerWebSocket<Tunnel>): void {
    this.#visitor = visitor
    this.#upstream.start({
      message: (data) => {
        // Nothing more is read until the visitor has taken it.
        if (visitor.send(data) < 0) this.#upstream.pause()
      },
      moved: () => this.#account(),
      closing: (code, reason) => {
        this.#closing = { code, reason }
        this.#closeVisitor()
      },
      ended: () => {
        this.#isUpstreamGone = true
        this.#freeAfterBoth()
      },
    })
  }

  fromVisitor(message: string | Buffer): void {
    this.#upstream.send(message)
    if (this.#upstream.waitingBytes > limits.proxyMessageBytesMax) this.#end(closeCodes.tryAgainLater)
    else this.#account()
  }

  /** The visitor has taken all there was. */
  drained(): void {
    this.#account()
    this.#closeVisitor()
    this.#upstream.resume()
  }

  visitorClosed(code: number, reason: string): void {
    this.#isVisitorGone = true
    this.#upstream.close(code === closeCodes.abnormal ? code : codeToSend(code), reason)
    this.#freeAfterBoth()
  }

  #closeVisitor(): void {
    if (!this.#closing || this.#isVisitorGone || this.#visitor!.getBufferedAmount() > 0) return
    const { code, reason } = this.#closing
    if (code === closeCodes.abnormal) this.#visitor!.terminate()
    else this.#visitor!.close(code, reason)
  }

  #account(): void {
    const toVisitor = this.#isVisitorGone ? 0 : this.#visitor!.getBufferedAmount()
    if (!this.#place.hold(this.#upstream.heldBytes + toVisitor)) this.#end(closeCodes.tryAgainLater)
  }

  /** Lets go of all that is on its way. */
  #end(code: number): void {
    this.#upstream.destroy()
    if (this.#isVisitorGone) return
    // What waits for a visitor would go on to wait before a close.
    if (this.#visitor!.getBufferedAmount() > 0) this.#visitor!.terminate()
    else this.#visitor!.close(code)
  }

  #freeAfterBoth(): void {
    if (this.#isVisitorGone && this.#isUpstreamGone) this.#place.free()
    else this.#account()
  }
}
