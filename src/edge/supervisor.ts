import type { Subprocess } from 'bun'
import type { Logger } from 'pino'

import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import type { SiteMetrics } from '../model/site-metrics.ts'
import { type EdgeRecord, endEdges, identify, readFormerEdges, writeEdges } from './former-edges.ts'
import { type EdgeMessage, type EdgeSettings, handOverMillisecondsMin } from './messages.ts'
import { MetricTotals } from './metric-totals.ts'

export interface SupervisorOptions {
  /** Program and arguments that start an edge process: see process.ts. */
  command: string[]
  settings: EdgeSettings
  processes: number
  /** Where the pids of the edges are written down for the next control process. */
  edgesFile: string
  log: Logger
}

export interface EdgeSupervisor {
  /** The port on which the sites are served. */
  port: number
  /**
   * Resolves when every edge shows what the database holds now. An edge that does not say so in time is ended and replaced
   * by one that does.
   */
  sitesChanged(): Promise<void>
  /** Resolves when the files of the access logs hold every request answered until now, or after a bound. */
  writeAccessLogs(): Promise<void>
  /** What all edges have counted since the start of this supervisor, those that ended too. An edge that is stuck is left out. */
  metrics(): Promise<{ sites: SiteMetrics[]; processes: number }>
  /** Ends the edges when they have answered what they are at. */
  stop(): Promise<void>
  /** Ends the edges on the spot, for a server that cannot wait: otherwise they would go on serving without it. */
  kill(): void
}

/** Another program listens on the sites' port. */
export class SitesPortInUse extends Error {}

interface EdgeProcess {
  child: Subprocess
  record: EdgeRecord
  listening: Promise<number>
  /** Calls that wait for this edge, by the id of their message. */
  waiting: Map<number, () => void>
  startedAt: number
}

/** What an edge has to answer the requests in flight, after the time in which it sends its clients away. */
const inFlightMilliseconds = 10_000
const restartPauseMilliseconds = { first: 100, max: 5000 }
/** An edge that lived this long did not crash by how it starts. */
const healthyMilliseconds = 30_000

/**
 * Starts the edge processes, restarts those that end, and tells all of them of changes (docs/architecture.md). Edges of a control
 * process that was killed went on serving: they end when the new ones listen, so that no request finds nobody.
 * @throws {SitesPortInUse}
 */
export async function superviseEdges(options: SupervisorOptions): Promise<EdgeSupervisor> {
  const { log, edgesFile } = options
  let former = readFormerEdges(edgesFile)
  // With `reusePort`, a server of the same user would share its port with ours instead of refusing it.
  for (const port of portsOf(options.settings)) {
    if (!former.some((edge) => edge.port === port || edge.tlsPort === port))
      assertPortFree(options.settings.host, port)
  }

  const settings = { ...options.settings }
  const handOverMilliseconds = Math.max(settings.drainMilliseconds, handOverMillisecondsMin)
  const edges = new Set<EdgeProcess>()
  const totals = new MetricTotals()
  let nextId = 1
  let stopping = false
  let replacing = Promise.resolve()
  let pause = restartPauseMilliseconds.first

  function writeDown(): void {
    writeEdges(edgesFile, [...former, ...[...edges].map(({ record }) => record)])
  }

  function start(): EdgeProcess {
    const listening = Promise.withResolvers<number>()
    // Whoever does not wait for it learns of a failure by the process's end.
    listening.promise.catch(() => undefined)
    const child = Bun.spawn(options.command, {
      env: edgeEnvironment(),
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'inherit',
      detached: true,
      serialization: 'json',
      ipc: (message: EdgeMessage) => {
        if (message.type === 'listening') listening.resolve(message.port)
        else if (message.type === 'failed') listening.reject(startError(message))
        else {
          // Also those that come too late for who asked: the edge has forgotten them.
          if (message.type === 'metrics') totals.add(message.sites)
          settle(edge, message.id)
        }
      },
      onExit: () => void ended(edge),
    })
    const identity = identify(child.pid) ?? { pid: child.pid, startedAt: '' }
    const record = { ...identity, port: settings.port, ...(settings.tls && { tlsPort: settings.tls.port }) }
    const edge: EdgeProcess = {
      child,
      record,
      listening: listening.promise,
      waiting: new Map(),
      startedAt: Date.now(),
    }
    void child.exited.then((code) => listening.reject(new Error(`The edge process ended with ${code}`)))
    edges.add(edge)
    writeDown()
    child.send({ type: 'start', settings, edgesFile })
    return edge
  }

  async function ended(edge: EdgeProcess): Promise<void> {
    edges.delete(edge)
    for (const id of edge.waiting.keys()) settle(edge, id)
    if (stopping) return
    writeDown()
    if (Date.now() - edge.startedAt > healthyMilliseconds) pause = restartPauseMilliseconds.first
    log.error(
      { pid: edge.child.pid, signal: edge.child.signalCode, exitCode: edge.child.exitCode },
      'an edge process ended; it is started again',
    )
    await Bun.sleep(pause)
    pause = Math.min(pause * 2, restartPauseMilliseconds.max)
    if (!stopping) start()
  }

  function settle(edge: EdgeProcess, id: number): void {
    edge.waiting.get(id)?.()
    edge.waiting.delete(id)
  }

  /** Resolves when the edge has done so, or is gone. */
  function ask(edge: EdgeProcess, type: 'refresh' | 'write-access-log' | 'take-metrics'): Promise<void> {
    const id = nextId++
    const { promise, resolve } = Promise.withResolvers<void>()
    edge.waiting.set(id, resolve)
    try {
      edge.child.send({ type, id })
    } catch (error) {
      // Its end has not been reported yet, but will be; an edge that lives without its channel is none of ours any more.
      log.warn({ err: error, pid: edge.child.pid }, 'an edge process cannot be told anything')
      edge.child.kill('SIGKILL')
    }
    return promise
  }

  /** Resolves when the edge has refreshed, or is gone: one that starts after this call reads what the database holds by then. */
  async function refresh(edge: EdgeProcess): Promise<void> {
    const timer = setTimeout(() => {
      log.error({ pid: edge.child.pid }, 'an edge process does not acknowledge a change; it is replaced')
      edge.child.kill('SIGKILL')
    }, limits.changeAcknowledgeSecondsMax * 1000)
    await ask(edge, 'refresh')
    clearTimeout(timer)
  }

  /** Resolves when every edge has done so, or after a bound. */
  async function askAll(type: 'write-access-log' | 'take-metrics'): Promise<void> {
    const done = Promise.all([...edges].map((edge) => ask(edge, type)))
    await Promise.race([done, Bun.sleep(limits.edgeAnswerSecondsMax * 1000)])
  }

  async function stop(): Promise<void> {
    stopping = true
    await Promise.all([
      replacing,
      endEdges(
        [...edges].map(({ record }) => record),
        settings.drainMilliseconds + inFlightMilliseconds,
      ),
    ])
    writeDown()
  }

  try {
    if (settings.port === 0) {
      // The first one settles the port.
      const first = start()
      settings.port = first.record.port = await first.listening
    }
    while (edges.size < options.processes) start()
    await Promise.all([...edges].map(({ listening }) => listening))
  } catch (error) {
    await stop()
    throw error
  }
  replacing = endEdges(former, handOverMilliseconds + inFlightMilliseconds).then(() => {
    former = []
    writeDown()
  })
  // From then on the former edges only finish what they are at; before, they would not hear of a change.
  const handedOver = Promise.race([replacing, Bun.sleep(handOverMilliseconds + 500)])

  return {
    port: settings.port,
    sitesChanged: async () => {
      await Promise.all([handedOver, ...[...edges].map(refresh)])
    },
    writeAccessLogs: () => askAll('write-access-log'),
    metrics: async () => {
      await askAll('take-metrics')
      return { sites: totals.list(), processes: edges.size }
    },
    stop,
    kill: () => {
      stopping = true
      for (const { child } of edges) child.kill('SIGKILL')
    },
  }
}

/** Not all of the server's: an edge has no use for credentials that it might hold. */
function edgeEnvironment(): Record<string, string | undefined> {
  const kept = Object.fromEntries(keptVariables.map((name) => [name, process.env[name]]))
  // As many fetches as Bun does at once, above our own bound: those that were called off take a moment to end.
  return { ...kept, BUN_CONFIG_MAX_HTTP_REQUESTS: String(2 * limits.proxyFetchesMax) }
}

/** The last three tell whose certificates servers behind rules may have. */
const keptVariables = ['PATH', 'TZ', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']

function startError({ message, portInUse }: { message: string; portInUse: boolean }): Error {
  return portInUse ? new SitesPortInUse(message) : new Error(`An edge process cannot start: ${message}`)
}

function portsOf({ port, tls }: EdgeSettings): number[] {
  return tls ? [port, tls.port] : [port]
}

function assertPortFree(host: string, port: number): void {
  if (port === 0) return
  try {
    Bun.listen({ hostname: host, port, socket: { data: () => undefined } }).stop(true)
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) {
      throw new SitesPortInUse(`Another program listens on port ${port} of ${host}`)
    }
    throw error
  }
}
