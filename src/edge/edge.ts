import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import type { Database } from '../store/database.ts'
import { decide } from './decide.ts'
import { staticCacheControl } from './file-headers.ts'
import { createFiles } from './files.ts'
import { handOverMilliseconds } from './messages.ts'
import { answerOptions, errorPage, methodNotAllowed, redirect, refuse } from './pages.ts'
import { createSites, type SiteAnswer } from './sites.ts'
import { watchChanges } from './watch-changes.ts'

export interface Edge {
  /** @throws an error with the code EADDRINUSE */
  listen(address: { host: string; port: number; reusePort?: boolean }): { port: number }
  /** When it resolves, every new request sees what the database holds; those in flight finish on what they began with. */
  refresh(): Promise<void>
  /**
   * Stops listening; resolves when the requests in flight are answered.
   * @param how.handOver another process serves the port already: clients are sent there before this one stops listening,
   * so that none of them finds its connection closed
   */
  stop(how?: { handOver?: boolean }): Promise<void>
}

/** Serves the sites of the database over HTTP: the data plane, as one object. */
export function createEdge(options: {
  database: Database
  blobs: Blobs
  /** Host name of the sites' address, for example `localhost`. */
  siteSuffix: string
  /** How much of the files is kept in memory. */
  memoryBytes: number
  log: Logger
}): Edge {
  const { database, log } = options
  const sites = createSites(options)
  const files = createFiles(options)
  const watch = watchChanges({ database, changed: sites.refresh, log })
  let server: Bun.Server<undefined> | undefined
  let handingOver = false

  /** Host → decision → answer. A request whose site is known and whose file is in memory waits for nothing. */
  function handle(request: Request): Response | Promise<Response> {
    const site = sites.find(request.headers.get('host'))
    return site instanceof Promise ? site.then((found) => answer(request, found)) : answer(request, site)
  }

  function answer(request: Request, site: SiteAnswer): Response | Promise<Response> {
    const decision = decide(site, request)
    switch (decision.kind) {
      case 'file':
        return files.send(request, decision)
      case 'redirect':
        return redirect(decision.location, staticCacheControl)
      case 'options':
        return answerOptions()
      case 'method-not-allowed':
        return methodNotAllowed()
      default:
        return refuse(decision.kind, request.method === 'HEAD')
    }
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
        fetch: (request) => (handingOver ? handleOnce(request) : handle(request)),
        error(error) {
          log.error({ err: error }, 'a request for a site failed')
          return errorPage(500, 'Something went wrong', 'The page could not be read. Please try again later.')
        },
      })
      return { port: server.port! }
    },

    async refresh() {
      // A database that does not answer must not be taken for one that holds nothing new.
      await database.changeToken()
      sites.refresh()
    },

    async stop({ handOver = false } = {}) {
      if (handOver) {
        handingOver = true
        await Bun.sleep(handOverMilliseconds)
      }
      await server?.stop()
      await watch.stop()
    },
  }
}
