import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import type { SiteMetrics } from '../model/site-metrics.ts'
import type { Database } from '../store/database.ts'
import type { AccessLog } from './access-log.ts'
import { type AccessRefusal, isOpen, refuseAccess } from './access.ts'
import { answerPlainly } from './answer-action.ts'
import type { Answer } from './answer.ts'
import { contentTypeOf, isPageType } from './content-type.ts'
import type { Decision, FileDecision, ProxyDecision } from './decide.ts'
import { createDecisions } from './decisions.ts'
import { createFiles } from './files.ts'
import { handOverMilliseconds } from './messages.ts'
import { errorPage, refuse, withHeaders } from './pages.ts'
import { createProxy } from './proxy.ts'
import { nextRequestId, requestIdHeader } from './request-id.ts'
import { createSiteCounters } from './site-counters.ts'
import type { Site, SiteAnswer } from './site.ts'
import { createSites } from './sites.ts'
import { askedDeployment, pinVisitor } from './skew-protection.ts'
import { createVisitors, type Visitor, type VisitorOptions } from './visitors.ts'
import { watchChanges } from './watch-changes.ts'
import { openTunnel, type Tunnel, tunnelHandler, wantsWebSocket } from './websocket-proxy.ts'

export interface Edge {
  /** @throws an error with the code EADDRINUSE */
  listen(address: { host: string; port: number; reusePort?: boolean }): { port: number }
  /** When it resolves, every new request sees what the database holds; those in flight finish on what they began with. */
  refresh(): Promise<void>
  /** Resolves when every request answered before is in the files of the access log. */
  writeAccessLog(): Promise<void>
  /** What was counted since the last time. */
  takeMetrics(): SiteMetrics[]
  /**
   * Stops listening; resolves when the requests in flight are answered.
   * @param how.handOver another process serves the port already: clients are sent there before this one stops listening,
   * so that none of them finds its connection closed
   */
  stop(how?: { handOver?: boolean }): Promise<void>
}

/** Nobody stands in front, and where addresses are is not known. */
const onlyPeers: VisitorOptions = { trustedProxies: [], countryHeader: undefined, countryOf: undefined }

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
  /** Epoch milliseconds. */
  now?(): number
  log: Logger
}): Edge {
  const { database, accessLog, logAddresses = true, credentialsKey, visitors = onlyPeers, log } = options
  const { privateAllowed = false, plainProxies = false, replacedMilliseconds = 0, now = Date.now } = options
  const sites = createSites({ ...options, plainProxies, replacedMilliseconds, now })
  const files = createFiles(options)
  const counters = createSiteCounters()
  const decide = createDecisions(counters.countOverruns)
  const findVisitor = createVisitors(visitors)
  const watch = watchChanges({ database, changed: sites.refresh, log })
  const proxy = createProxy({ privateAllowed, log })
  let server: Bun.Server<Tunnel> | undefined
  let handingOver = false

  /** Host → decision → answer → line of the log. A request whose site is known and whose file is in memory waits for nothing. */
  function handle(request: Request): Response | Promise<Response> {
    const site = sites.find(request.headers.get('host'))
    if (!(site instanceof Promise)) return respond(request, site)
    const startedAt = performance.now()
    return site.then((found) => respond(request, found, startedAt))
  }

  /** @param startedAt when the request came, by `performance.now()`; absent for one that has just come */
  function respond(request: Request, site: SiteAnswer, startedAt?: number): Response | Promise<Response> {
    let made: Answer | Promise<Answer>
    try {
      made = answer(request, site)
    } catch (error) {
      made = fail(error)
    }
    if (!(made instanceof Promise)) return note(request, site, made, startedAt)
    const waitsSince = startedAt ?? performance.now()
    return made.catch(fail).then((settled) => note(request, site, settled, waitsSince))
  }

  function answer(request: Request, site: SiteAnswer): Answer | Promise<Answer> {
    const visitor = findVisitor(request, () => server?.requestIP(request)?.address)
    const refused = typeof site === 'string' ? undefined : refusal(request, site, visitor)
    if (refused) return refuse(refused, request.method === 'HEAD')
    if (typeof site === 'object' && site.skewProtected) return answerAsAsked(request, site, visitor)
    return carryOut(request, site, decide(site, request, visitor), visitor)
  }

  /** By the deployment that the request asks for (contract/hosting-behaviour.md §6.7). */
  function answerAsAsked(request: Request, site: Site, visitor: Visitor): Answer | Promise<Answer> {
    const asked = { url: request.url, header: (name: string) => request.headers.get(name) }
    const answerBy = (shown: Site): Answer | Promise<Answer> => {
      const decision = decide(shown, request, visitor)
      const made = carryOut(request, shown, decision, visitor)
      const { deployment } = shown
      if (!deployment || decision.kind !== 'file' || !isDocument(decision)) return made
      const pin = (settled: Answer): Answer => {
        pinVisitor(settled.response, asked, {
          deploymentId: deployment.deploymentId,
          isSecure: () => request.url.startsWith('https:') || visitor.forwarded().proto === 'https',
        })
        return settled
      }
      return made instanceof Promise ? made.then(pin) : pin(made)
    }
    const deploymentId = askedDeployment(site, asked)
    const shown = deploymentId === undefined ? site : sites.showing(site, deploymentId)
    return shown instanceof Promise ? shown.then(answerBy) : answerBy(shown)
  }

  function carryOut(
    request: Request,
    site: SiteAnswer,
    decision: Decision,
    visitor: Visitor,
  ): Answer | Promise<Answer> {
    if (decision.kind === 'file') return files.send(request, decision)
    if (decision.kind === 'proxy') return passOn(request, site as Site, decision, visitor)
    return answerPlainly(decision, request.method === 'HEAD')
  }

  function refusal(request: Request, { access }: Site, visitor: Visitor): AccessRefusal | undefined {
    if (isOpen(access)) return undefined
    const authorization = request.headers.get('authorization')
    return refuseAccess(access, { address: visitor.address(), authorization }, credentialsKey)
  }

  async function passOn(
    request: Request,
    site: Site,
    { url, status, headers }: ProxyDecision,
    visitor: Visitor,
  ): Promise<Answer> {
    const keepsAuthorization = site.access.verifier === undefined
    const task = { url, visitor, id: nextRequestId(), keepsAuthorization, ...(status && { status }) }
    if (wantsWebSocket(request)) return openTunnel(request, task, { proxy, server: server! })
    return withHeaders(await proxy.forward(request, task), headers)
  }

  /** Every answer tells its id. What is not for anybody's site is not in anybody's log and metrics. */
  function note(
    request: Request,
    site: SiteAnswer,
    { response, facts, id = nextRequestId() }: Answer,
    startedAt?: number,
  ): Response {
    // That of a WebSocket has been sent by then.
    if (facts.status !== 101) response.headers.set(requestIdHeader, id)
    if (typeof site === 'string') return response
    const milliseconds = startedAt === undefined ? 0 : performance.now() - startedAt
    counters.count(site, request, facts, milliseconds)
    if (!accessLog) return response
    const address = logAddresses ? server!.requestIP(request) : null
    accessLog.add(site.appId, { request, facts, address, id, milliseconds })
    return response
  }

  function fail(error: unknown): Answer {
    const page = errorPage(500, 'Something went wrong', 'The page could not be read. Please try again later.')
    log.error({ err: error, requestId: page.id }, 'a request for a site failed')
    return page
  }

  async function handleOnce(request: Request): Promise<Response> {
    const response = await handle(request)
    response.headers.set('connection', 'close')
    return response
  }

  return {
    listen({ host, port, reusePort = false }) {
      server = Bun.serve({
        hostname: host,
        port,
        reusePort,
        development: false,
        idleTimeout: limits.siteIdleSecondsMax,
        maxRequestBodySize: limits.siteRequestBodyBytesMax,
        websocket: tunnelHandler,
        fetch: (request) => (handingOver ? handleOnce(request) : handle(request)),
        error: (error) => fail(error).response,
      })
      return { port: server.port! }
    },

    async refresh() {
      // A database that does not answer must not be taken for one that holds nothing new.
      await database.changeToken()
      sites.refresh()
    },

    writeAccessLog: async () => accessLog?.write(),

    takeMetrics: counters.take,

    async stop({ handOver = false } = {}) {
      if (handOver) {
        handingOver = true
        await Bun.sleep(handOverMilliseconds)
      }
      await server?.stop()
      await watch.stop()
      await accessLog?.close()
    },
  }
}

function isDocument({ path, headers }: FileDecision): boolean {
  return isPageType(headers.headers['content-type'] ?? contentTypeOf(path).value)
}
