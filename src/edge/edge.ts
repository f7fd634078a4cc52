import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import type { Database } from '../store/database.ts'
import type { AccessLog } from './access-log.ts'
import { type AccessRefusal, isOpen, refuseAccess } from './access.ts'
import type { Answer } from './answer.ts'
import type { Decision, FileDecision, ProxyDecision } from './decide.ts'
import { createDecisions } from './decisions.ts'
import { staticCacheControl } from './file-headers.ts'
import { createFiles } from './files.ts'
import { redirectToHttps } from './https-redirect.ts'
import { type Listener, type ListenerPort, openListener } from './listener.ts'
import { answerOptions, errorPage, methodNotAllowed, redirect, refuse, withHeaders } from './pages.ts'
import { createProxy } from './proxy.ts'
import type { Site, SiteAnswer } from './site.ts'
import { createSites } from './sites.ts'
import { openTlsListener, type TlsAddress } from './tls-listener.ts'
import { createVisitors, schemeOf, type Visitor, type VisitorOptions } from './visitors.ts'
import { watchChanges } from './watch-changes.ts'
import { createTunnels, wantsWebSocket } from './websocket-proxy.ts'

export interface Edge {
  /** @throws an error with the code EADDRINUSE */
  listen(address: ListenAddress): { port: number }
  /** When it resolves, every new request sees what the database holds; those in flight finish on what they began with. */
  refresh(): Promise<void>
  /** Resolves when every request answered before is in the files of the access log. */
  writeAccessLog(): Promise<void>
  /**
   * Stops listening; resolves when the requests in flight are answered.
   * @param drainMilliseconds how long clients are answered with `Connection: close` before, so that none of them finds its
   * connection closed
   */
  stop(drainMilliseconds?: number): Promise<void>
}

export interface ListenAddress {
  host: string
  port: number
  reusePort?: boolean
  /** Whether the port of plain HTTP takes HTTP/2 as well, from who begins with it. */
  plainHttp2?: boolean
  /** A second port, for HTTPS: certificates that take the place of others in these files are shown to who comes then. */
  tls?: Omit<TlsAddress, 'host'>
}

/** Nobody stands in front, and where addresses are is not known. */
const onlyPeers: VisitorOptions = {
  trustedProxies: [],
  countryHeader: undefined,
  countryOf: undefined,
  endsTls: false,
}

/** Serves the sites of the database over HTTP: the data plane, as one object. */
export function createEdge(options: {
  database: Database
  blobs: Blobs
  /** Host name of the sites' address, for example `localhost`. */
  siteSuffix: string
  /** How much of the files is kept in memory. */
  memoryBytes: number
  /** Where visits are noted, if they are. It is closed with the edge. */
  accessLog?: AccessLog
  /** Whether it learns who they are from. */
  logAddresses?: boolean
  /** By which it compares credentials, which it does not know (`model/credentials-verifier.ts`). */
  credentialsKey: Uint8Array
  visitors?: VisitorOptions
  /** Whether rules may fetch from private and loopback addresses, and from `http://` ones. */
  privateAllowed?: boolean
  plainProxies?: boolean
  /** Port of the sites' HTTPS address, to which visitors of plain HTTP are sent; undefined where they have none. */
  httpsPort?: number
  log: Logger
}): Edge {
  const { database, accessLog, logAddresses = true, credentialsKey, visitors = onlyPeers, log } = options
  const { privateAllowed = false, plainProxies = false, httpsPort } = options
  const sites = createSites({ ...options, plainProxies })
  const files = createFiles(options)
  const decide = createDecisions()
  const findVisitor = createVisitors(visitors)
  const watch = watchChanges({ database, changed: sites.refresh, log })
  const proxy = createProxy({ privateAllowed, log })
  const tunnels = createTunnels(proxy)
  const listeners: Listener[] = []

  /** Host → decision → answer → line of the log. A request whose site is known and whose file is in memory waits for nothing. */
  function handle(request: Request, port: ListenerPort): Response | Promise<Response> {
    const visitor = findVisitor(request, () => port.server.requestIP(request))
    const visit = { request, port, visitor }
    const site = sites.find(request.headers.get('host'))
    if (!(site instanceof Promise)) return respond(visit, site)
    const startedAt = performance.now()
    return site.then((found) => respond(visit, found, startedAt))
  }

  /** @param startedAt when the request came, by `performance.now()`; absent for one that has just come */
  function respond(visit: Visit, site: SiteAnswer, startedAt?: number): Response | Promise<Response> {
    let made: Answer | Promise<Answer>
    try {
      made = answer(visit, site)
    } catch (error) {
      made = fail(error)
    }
    if (!(made instanceof Promise)) return note(visit, site, made, startedAt)
    const waitsSince = startedAt ?? performance.now()
    return made.catch(fail).then((settled) => note(visit, site, settled, waitsSince))
  }

  function answer({ request, port, visitor }: Visit, site: SiteAnswer): Answer | Promise<Answer> {
    const elsewhere = typeof site === 'string' ? undefined : redirectToHttps(request, visitor, httpsPort)
    if (elsewhere) return elsewhere
    const refused = typeof site === 'string' ? undefined : refusal(request, site, visitor)
    if (refused) return refuse(refused, request.method === 'HEAD')
    const decision = decide(site, request, visitor)
    if (decision.kind === 'file') return files.send(request, decision)
    if (decision.kind === 'proxy') return passOn({ request, port, visitor }, site as Site, decision)
    return withHeaders(act(request, decision), decision.headers)
  }

  function refusal(request: Request, { access }: Site, visitor: Visitor): AccessRefusal | undefined {
    if (isOpen(access)) return undefined
    const authorization = request.headers.get('authorization')
    return refuseAccess(access, { address: visitor.address(), authorization }, credentialsKey)
  }

  async function passOn(
    { request, port, visitor }: Visit,
    site: Site,
    { url, status, headers }: ProxyDecision,
  ): Promise<Answer> {
    const keepsAuthorization = site.access.verifier === undefined
    const task = { url, visitor, keepsAuthorization, ...(status && { status }) }
    if (wantsWebSocket(request)) return tunnels.open(request, task, port.server)
    return withHeaders(await proxy.forward(request, task), headers)
  }

  /** What is not for anybody's site is not in anybody's log. */
  function note(
    { request, port: { http2 }, visitor }: Visit,
    site: SiteAnswer,
    { response, facts }: Answer,
    startedAt?: number,
  ): Response {
    if (!accessLog || typeof site === 'string') return response
    const milliseconds = startedAt === undefined ? 0 : performance.now() - startedAt
    accessLog.add(site.appId, {
      request,
      facts,
      address: logAddresses ? visitor.address() : undefined,
      port: logAddresses ? visitor.port() : undefined,
      scheme: visitor.scheme() ?? schemeOf(request),
      mayBeHttp2: http2,
      milliseconds,
    })
    return response
  }

  function fail(error: unknown): Answer {
    log.error({ err: error }, 'a request for a site failed')
    return errorPage(500, 'Something went wrong', 'The page could not be read. Please try again later.')
  }

  const handlers = { handle, fail: (error: unknown) => fail(error).response, websocket: tunnels.handler }

  return {
    listen({ host, port, reusePort = false, plainHttp2 = false, tls }) {
      const listener = openListener({ host, port, reusePort, http2: plainHttp2 }, handlers)
      listeners.push(listener)
      if (tls) listeners.push(openTlsListener({ host, ...tls }, handlers, log))
      return { port: listener.port }
    },

    async refresh() {
      // A database that does not answer must not be taken for one that holds nothing new.
      await database.changeToken()
      sites.refresh()
    },

    writeAccessLog: async () => accessLog?.write(),

    async stop(drainMilliseconds = 0) {
      await Promise.all(listeners.map((listener) => listener.drain(drainMilliseconds)))
      tunnels.close()
      await Promise.all(listeners.map((listener) => listener.stop()))
      await watch.stop()
      await accessLog?.close()
    },
  }
}

/** A request, and by whom and to which port it was sent. */
interface Visit {
  request: Request
  port: ListenerPort
  visitor: Visitor
}

function act(request: Request, decision: Exclude<Decision, FileDecision | ProxyDecision>): Answer {
  switch (decision.kind) {
    case 'redirect':
      return redirect(decision.status, decision.location, staticCacheControl)
    case 'options':
      return answerOptions()
    case 'method-not-allowed':
      return methodNotAllowed()
    default:
      return refuse(decision.kind, request.method === 'HEAD')
  }
}
