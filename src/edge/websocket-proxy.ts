import type { ServerWebSocket, WebSocketHandler } from 'bun'

import { limits } from '../model/limits.ts'
import type { Answer } from './answer.ts'
import { errorPage } from './pages.ts'
import { endAtTooManyPings } from './ping-limit.ts'
import { forwardedHeaders } from './proxy-headers.ts'
import type { Dialled, ProxyTask, ReverseProxy } from './proxy.ts'

/** A visitor's connection, and the one that was opened for it. */
export interface Tunnel {
  upstream: WebSocket
  /** What came before the visitor's side stood. */
  waiting: (string | Buffer)[]
  visitor?: ServerWebSocket<Tunnel>
  /** Called when the visitor's side is closed. */
  ended(): void
}

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

/** The WebSockets of an edge, counted by the address of the visitor: each holds a connection to the server behind us as well. */
export function createTunnels(proxy: ReverseProxy): Tunnels {
  const visitors = new Set<ServerWebSocket<Tunnel>>()
  const counts = new Map<string, number>()
  let isClosed = false

  function count(address: string, change: 1 | -1): void {
    const next = (counts.get(address) ?? 0) + change
    if (next === 0) counts.delete(address)
    else counts.set(address, next)
  }

  return {
    async open(request, task, server) {
      const address = task.visitor.address() ?? ''
      if ((counts.get(address) ?? 0) >= limits.webSocketsOfAddressMax) {
        return errorPage(429, 'Too many connections', 'Your address has too many connections open.')
      }
      count(address, 1)
      let stands = false
      try {
        const ended = () => count(address, -1)
        const answer = await openTunnel(request, task, { proxy, server, ended })
        stands = answer.facts.status === 101
        return answer
      } finally {
        if (!stands) count(address, -1)
      }
    },
    handler: {
      ...tunnelHandler,
      open(visitor) {
        visitors.add(visitor)
        void tunnelHandler.open!(visitor)
        if (isClosed) visitor.close(goingAway)
      },
      close(visitor, code, reason) {
        visitors.delete(visitor)
        visitor.data.ended()
        void tunnelHandler.close!(visitor, code, reason)
      },
    },
    close() {
      isClosed = true
      for (const visitor of visitors) visitor.close(goingAway)
    },
  }
}

/** RFC 6455 §7.4.1. */
const goingAway = 1001

async function openTunnel(
  request: Request,
  task: ProxyTask,
  { proxy, server, ended }: { proxy: ReverseProxy; server: Bun.Server<Tunnel>; ended(): void },
): Promise<Answer> {
  const page = (status: number, title: string, text: string): Answer =>
    errorPage(status, title, text, false, task.id)
  const dialled = await dialOrNot(proxy, task)
  const tunnel = dialled && (await connect(request, task, dialled, ended))
  if (!tunnel) {
    return page(502, 'Bad gateway', 'The server behind this address could not be reached.')
  }
  const { protocol } = tunnel.upstream
  const headers = protocol === '' ? undefined : { 'sec-websocket-protocol': protocol }
  if (!server.upgrade(request, { data: tunnel, ...(headers && { headers }) })) {
    tunnel.upstream.close()
    return page(400, 'Bad request', 'The request does not open a WebSocket.')
  }
  return { headers: new Headers(), body: null, facts: { status: 101 }, id: task.id }
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
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
]

async function connect(
  request: Request,
  task: ProxyTask,
  { url, host, tls }: Dialled,
  ended: () => void,
): Promise<Tunnel | undefined> {
  const headers = forwardedHeaders(request, host, task)
  const protocols = (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim())
  for (const name of webSocketHeaders) headers.delete(name)
  const upstream = new WebSocket(url.replace(/^http/, 'ws'), {
    headers: Object.fromEntries(headers),
    protocols: protocols.filter((name) => name !== ''),
    tls,
    proxy: false,
  } as never)
  endAtTooManyPings(upstream)
  upstream.binaryType = 'nodebuffer' as never
  const tunnel: Tunnel = { upstream, waiting: [], ended }
  upstream.addEventListener('message', ({ data }) => passOn(tunnel, data as string | Buffer))
  upstream.addEventListener('close', ({ code, reason }) => tunnel.visitor?.close(sendable(code), reason))
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), limits.proxyTrySecondsMax * 1000)
  upstream.addEventListener('open', () => resolve(true))
  upstream.addEventListener('error', () => resolve(false))
  upstream.addEventListener('close', () => resolve(false))
  request.signal.addEventListener('abort', () => resolve(false))
  const opened = await promise
  clearTimeout(timer)
  if (opened) return tunnel
  upstream.close()
  return undefined
}

function passOn({ visitor, waiting }: Tunnel, data: string | Buffer): void {
  if (visitor) visitor.send(data)
  else waiting.push(data)
}

/** The visitor's side of each tunnel. */
const tunnelHandler: WebSocketHandler<Tunnel> = {
  maxPayloadLength: limits.proxyMessageBytesMax,
  backpressureLimit: limits.proxyMessageBytesMax,
  closeOnBackpressureLimit: true,
  open(visitor) {
    const { data: tunnel } = visitor
    tunnel.visitor = visitor
    for (const message of tunnel.waiting.splice(0)) visitor.send(message)
    if (tunnel.upstream.readyState !== WebSocket.OPEN) visitor.close(1001)
  },
  message({ data: { upstream } }, message) {
    if (upstream.bufferedAmount > limits.proxyMessageBytesMax) upstream.close(1008)
    else upstream.send(message)
  },
  close({ data: { upstream } }, code, reason) {
    upstream.close(sendable(code), reason)
  },
}

/** Codes that only an end itself may report, not send (RFC 6455 §7.4.1), become the plain one. */
function sendable(code: number): number {
  return code === 1000 || (code >= 3000 && code < 5000) ? code : 1000
}
