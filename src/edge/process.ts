import { type Logger, pino } from 'pino'

import { openDiskBlobs } from '../blobs/disk.ts'
import { diskShortage } from '../deploy/disk-shortage.ts'
import { parseNetwork } from '../model/addresses.ts'
import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import { warmPatterns } from '../rules/pattern/warm.ts'
import { openDatabase } from '../store/database.ts'
import { type AccessLog, createAccessLog } from './access-log.ts'
import { openCountryFileIfUsable } from './country-file.ts'
import { createEdge, type Edge } from './edge.ts'
import { isWrittenDown } from './former-edges.ts'
import {
  type AccessLogSettings,
  type ControlMessage,
  type EdgeMessage,
  type EdgeSettings,
  handOverMillisecondsMin,
} from './messages.ts'

interface Running {
  edge: Edge
  drainMilliseconds: number
  edgesFile: string
  log: Logger
}

/** How often an edge whose control is gone looks whether the next one knows of it. */
const orphanPollMilliseconds = 1000

/**
 * The life of an edge process: it starts when control says so, refreshes when control says so, and goes on serving when
 * control is gone. Only SIGTERM, from this control or the next one, ends it, once the requests in flight are answered; or
 * that no control can know of it any more.
 */
export function runEdgeProcess(): void {
  let starting: Promise<Running> | undefined
  process.on('message', (message: ControlMessage) => {
    if (message.type === 'start') {
      starting = start(message.settings, message.edgesFile)
      starting.catch(failToStart)
    } else if (starting) {
      void acknowledge(starting, message)
    }
  })
  process.on('SIGTERM', () => void end(starting))
  // A terminal's Ctrl-C is for control, which stops its edges in order; its end of a pipe may be gone with it.
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', () => undefined)
  process.on('disconnect', () => {
    const timer = setInterval(() => {
      void starting?.then(({ edgesFile }) => {
        // The data directory was removed, or control died before it wrote this edge down.
        if (isWrittenDown(edgesFile, process.pid)) return
        clearInterval(timer)
        void end(starting)
      })
    }, orphanPollMilliseconds)
  })
}

async function start(settings: EdgeSettings, edgesFile: string): Promise<Running> {
  const destination = pino.destination({ fd: 2, sync: true })
  // Whoever read the log may be gone together with control; the sites are served all the same.
  destination.on('error', () => undefined)
  const log = pino({ level: settings.logLevel, base: { pid: process.pid, part: 'edge' } }, destination)
  const edge = createEdge({
    database: await openDatabase(settings.databaseUrl, { readonly: true }),
    blobs: await openDiskBlobs(settings.blobsFolder, { readonly: true }),
    siteSuffix: settings.siteSuffix,
    memoryBytes: settings.memoryBytes,
    credentialsKey: Buffer.from(settings.credentialsKey, 'base64url'),
    privateAllowed: settings.privateAllowed,
    plainProxies: settings.plainProxies,
    replacedMilliseconds: settings.replacedMilliseconds,
    visitors: {
      trustedProxies: settings.trustedProxies.flatMap((text) => parseNetwork(text) ?? []),
      countryHeader: settings.countryHeader ?? undefined,
      countryOf:
        settings.countryFile === null ? undefined : openCountryFileIfUsable(settings.countryFile, log),
      endsTls: settings.tls !== null,
      sitesPort: settings.sitesPort ?? undefined,
    },
    ...(settings.httpsPort !== null && { httpsPort: settings.httpsPort }),
    log,
    ...(settings.accessLog && {
      accessLog: openAccessLog(settings.accessLog, log),
      logAddresses: settings.accessLog.addresses,
    }),
  })
  warmPatterns()
  const { host, plainHttp2, tls, drainMilliseconds } = settings
  const { port } = edge.listen({
    host,
    port: settings.port,
    reusePort: true,
    plainHttp2,
    ...(tls && { tls: { port: tls.port, http2: tls.http2, files: tls, drainMilliseconds } }),
  })
  send({ type: 'listening', port })
  return { edge, drainMilliseconds, edgesFile, log }
}

function openAccessLog({ folder, cookies }: AccessLogSettings, log: Logger): AccessLog {
  const { accessLogDiskFreeBytesMin, accessLogDiskFreeFilesMin } = limits
  return createAccessLog({
    folder,
    cookies,
    shortage: () => diskShortage(folder, accessLogDiskFreeBytesMin, accessLogDiskFreeFilesMin),
    log,
  })
}

async function acknowledge(
  starting: Promise<Running>,
  { type, id }: Exclude<ControlMessage, { type: 'start' }>,
): Promise<void> {
  // An edge that cannot start says so by itself.
  const running = await starting.catch(() => undefined)
  if (!running) return
  if (type === 'write-access-log') {
    await running.edge.writeAccessLog()
    return send({ type: 'access-log-written', id })
  }
  if (type === 'take-metrics') return send({ type: 'metrics', id, sites: running.edge.takeMetrics() })
  try {
    await running.edge.refresh()
    send({ type: 'refreshed', id })
  } catch (error) {
    // No acknowledgement: control replaces this process.
    running.log.error({ err: error }, 'the edge cannot see what the database holds')
  }
}

/**
 * Nobody serves after the control that is connected has ended its edges; another control has new ones at work already, to whom
 * clients are sent whatever the settings say.
 */
async function end(starting: Promise<Running> | undefined): Promise<void> {
  const running = await starting?.catch(() => undefined)
  if (running) {
    const { edge, drainMilliseconds } = running
    await edge.stop(
      process.connected ? drainMilliseconds : Math.max(drainMilliseconds, handOverMillisecondsMin),
    )
  }
  process.exit(0)
}

function failToStart(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const portInUse = hasCode(error, 'EADDRINUSE')
  const failed: EdgeMessage = { type: 'failed', message, portInUse }
  if (!process.connected) process.exit(1)
  process.send?.(failed, undefined, undefined, () => process.exit(1))
}

/** Control may be gone at any moment, and with it the need to tell it anything. */
function send(message: EdgeMessage): void {
  if (process.connected) process.send?.(message)
}
