import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import type { SiteMetrics } from '../model/site-metrics.ts'
import type { Database } from '../store/database.ts'
import type { AccessLog } from './access-log.ts'
import { refuseAccess } from './access.ts'
import { answerPlainly } from './answer-action.ts'
import { type Answer, ownOf, responseOf } from './answer.ts'
import { personalOf } from './cache-control.ts'
import { contentTypeOf, isPageType } from './content-type.ts'
import type { FileDecision } from './decide.ts'
import { createDecisions } from './decisions.ts'
import type { DescribedDecision, DescribedProxy } from './described-decision.ts'
import { createFiles } from './files.ts'
import { redirectToHttps } from './https-redirect.ts'
import { type Listener, type ListenerPort, openListener } from './listener.ts'
import { errorPage, refuse, withHeaders } from './pages.ts'
import { tameAnswer } from './proxy-headers.ts'
import { createProxy } from './proxy.ts'
import { announcesTooMuch, tooLarge, unannouncedBody } from './request-body.ts'
import { nextRequestId } from './request-id.ts'
import { createSiteCounters } from './site-counters.ts'
import type { Site, SiteAnswer } from './site.ts'
import { createSites } from './sites.ts'
import { askedDeployment, pinVisitor } from './skew-protection.ts'
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
  /** What was counted since the last time. */
  takeMetrics(): SiteMetrics[]
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
  sitesPort: undefined,
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
  /** How long assets of a deployment are served after another one took its place. */
  replacedMilliseconds?: number
  /** Port of the sites' HTTPS address, to which visitors of plain HTTP are sent; undefined where they have none. */
  httpsPort?: number
  /** Epoch milliseconds. */
  now?(): number
  log: Logger
}): Edge {
  const { database, accessLog, logAddresses = true, credentialsKey, visitors = onlyPeers, log } = options
  const { siteSuffix, privateAllowed = false, plainProxies = false, httpsPort } = options
  const { replacedMilliseconds = 0, now = Date.now } = options
  const sites = createSites({ ...options, plainProxies, replacedMilliseconds, now })
  const files = createFiles(options)
  const counters = createSiteCounters()
  const decisions = createDecisions(counters.countOverruns)
  const { decide } = decisions
  const findVisitor = createVisitors(visitors)
  const watch = watchChanges({ database, changed: sites.refresh, log })
  const proxy = createProxy({ privateAllowed, log })
  const tunnels = createTunnels(proxy)
  const listeners: Listener[] = []
  const forgetting = setInterval(() => {
    sites.forgetUnasked()
    decisions.forgetUnasked()
  }, limits.edgeForgetMinutes * 60_000)
  forgetting.unref()

  /** Host → decision → answer → line of the log. A request whose site is known and whose file is in memory waits for nothing. */
  function handle(request: Request, port: ListenerPort): Response | Promise<Response> {
    const visitor = findVisitor(request, port.server)
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

  function answer(visit: Visit, site: SiteAnswer): Answer | Promise<Answer> {
    const { request, visitor } = visit
    if (announcesTooMuch(request)) return tooLarge()
    if (typeof site === 'string') return carryOut(visit, site, decide(site, request, visitor))
    const elsewhere = httpsPort === undefined ? undefined : redirectToHttps(request, visitor, httpsPort)
    const refused = elsewhere ?? (site.access.isOpen ? undefined : refuseVisitor(visit, site))
    if (refused) return refused
    if (site.skewProtected) return answerAsAsked(visit, site)
    return carryOut(visit, site, decide(site, request, visitor))
  }

  /** By the deployment that the request asks for (contract/hosting-behaviour.md §6.7). */
  function answerAsAsked(visit: Visit, site: Site): Answer | Promise<Answer> {
    const { request, visitor } = visit
    const asked = { url: request.url, header: (name: string) => request.headers.get(name) }
    const answerBy = (shown: Site): Answer | Promise<Answer> => {
      const decision = decide(shown, request, visitor)
      const made = carryOut(visit, shown, decision)
      const { deployment } = shown
      if (!deployment || decision.kind !== 'file' || !isDocument(decision)) return made
      const pin = (settled: Answer): Answer => {
        const own = ownOf(settled)
        pinVisitor(own.headers, asked, {
          deploymentId: deployment.deploymentId,
          isSecure: () => (visitor.scheme() ?? schemeOf(request)) === 'https',
        })
        return own
      }
      return made instanceof Promise ? made.then(pin) : pin(made)
    }
    const deploymentId = askedDeployment(site, asked)
    const shown = deploymentId === undefined ? site : sites.showing(site, deploymentId)
    return shown instanceof Promise ? shown.then(answerBy) : answerBy(shown)
  }

  function carryOut(visit: Visit, site: SiteAnswer, decision: DescribedDecision): Answer | Promise<Answer> {
    if (decision.kind === 'file') return files.send(visit.request, decision)
    if (decision.kind === 'proxy') return passOn(visit, site as Site, decision)
    return answerPlainly(decision, visit.request.method === 'HEAD')
  }

  function refuseVisitor({ request, visitor }: Visit, { access }: Site): Answer | undefined {
    const authorization = request.headers.get('authorization')
    const refusal = refuseAccess(access, { address: visitor.address(), authorization }, credentialsKey)
    return refusal && refuse(refusal, request.method === 'HEAD')
  }

  async function passOn(
    { request, port, visitor }: Visit,
    site: Site,
    { target, status, headers }: DescribedProxy,
  ): Promise<Answer> {
    if (!target) {
      const page = errorPage(
        502,
        'Bad gateway',
        'The rule for this address leads nowhere.',
        request.method === 'HEAD',
      )
      return withHeaders(page, headers)
    }
    const keepsAuthorization = site.access.verifier === undefined
    const id = nextRequestId()
    const task = { appId: site.appId, target, visitor, id, keepsAuthorization, ...(status && { status }) }
    if (wantsWebSocket(request)) return tunnels.open(request, task, port.server)
    const body = unannouncedBody(request)
    const made = await proxy.forward(request, body ? { ...task, body } : task)
    tameAnswer(made.headers, siteSuffix)
    if (headers.isPersonal) {
      made.headers.set('cache-control', personalOf(made.headers.get('cache-control')))
    }
    return withHeaders(made, headers)
  }

  /** Every answer tells its id. What is not for anybody's site is not in anybody's log and metrics. */
  function note(
    { request, port: { http2 }, visitor }: Visit,
    site: SiteAnswer,
    made: Answer,
    startedAt?: number,
  ): Response {
    const { facts, id = nextRequestId() } = made
    // That of a WebSocket has been sent by then: Bun wants none.
    const response = facts.status === 101 ? (undefined as never) : responseOf(made, id)
    if (typeof site === 'string') return response
    const milliseconds = startedAt === undefined ? 0 : performance.now() - startedAt
    counters.count(site, request, facts, milliseconds)
    if (!accessLog) return response
    accessLog.add(site.appId, {
      request,
      facts,
      address: logAddresses ? visitor.address() : undefined,
      port: logAddresses ? visitor.port() : undefined,
      scheme: visitor.scheme() ?? schemeOf(request),
      mayBeHttp2: http2,
      id,
      milliseconds,
    })
    return response
  }

  function fail(error: unknown): Answer {
    const page = errorPage(500, 'Something went wrong', 'The page could not be read. Please try again later.')
    log.error({ err: error, requestId: page.id }, 'a request for a site failed')
    return page
  }

  const handlers = {
    handle,
    fail(error: unknown) {
      const page = fail(error)
      return responseOf(page, page.id!)
    },
    websocket: tunnels.handler,
  }

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

    takeMetrics: counters.take,

    async stop(drainMilliseconds = 0) {
      await Promise.all(listeners.map((listener) => listener.drain(drainMilliseconds)))
      clearInterval(forgetting)
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

/** A page that a visitor may open, which brings the cookie of its deployment. */
export function isDocument({ path, headers }: FileDecision): boolean {
  return isPageType(headers.headers['content-type'] ?? contentTypeOf(path).value)
}
