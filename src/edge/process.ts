import { pino } from 'pino'

import { openDiskBlobs } from '../blobs/disk.ts'
import { openDatabase } from '../store/database.ts'
import { createEdge, type Edge } from './edge.ts'
import type { ControlMessage, EdgeMessage, EdgeSettings } from './messages.ts'

/**
 * The life of an edge process: it starts when control says so, refreshes when control says so, and goes on serving when
 * control is gone. Only SIGTERM, from this control or the next one, ends it, once the requests in flight are answered.
 */
export function runEdgeProcess(): void {
  let starting: Promise<Edge> | undefined
  process.on('message', (message: ControlMessage) => {
    if (message.type === 'start') {
      starting = startEdge(message.settings)
      starting.catch(failToStart)
    } else {
      void acknowledge(starting, message.id)
    }
  })
  process.on('SIGTERM', () => {
    void Promise.resolve(starting)
      .then((edge) => edge?.stop())
      .finally(() => process.exit(0))
  })
  // A terminal's Ctrl-C is for control, which stops its edges in order; its end of a pipe may be gone with it.
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', () => undefined)
  // Nothing to do: without this listener, some versions end the process with the channel.
  process.on('disconnect', () => undefined)
}

async function startEdge(settings: EdgeSettings): Promise<Edge> {
  const log = pino(
    { level: settings.logLevel, base: { pid: process.pid, part: 'edge' } },
    pino.destination({ fd: 2, sync: true }),
  )
  const edge = createEdge({
    database: await openDatabase(settings.databaseUrl, { readonly: true }),
    blobs: await openDiskBlobs(settings.blobsFolder, { readonly: true }),
    siteSuffix: settings.siteSuffix,
    memoryBytes: settings.memoryBytes,
    log,
  })
  const { port } = edge.listen({ host: settings.host, port: settings.port, reusePort: true })
  send({ type: 'listening', port })
  return edge
}

async function acknowledge(starting: Promise<Edge> | undefined, id: number): Promise<void> {
  const edge = await starting
  await edge?.refresh()
  send({ type: 'refreshed', id })
}

function failToStart(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const portInUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  send({ type: 'failed', message, portInUse })
  process.exitCode = 1
  process.disconnect?.()
}

/** Control may be gone at any moment, and with it the need to tell it anything. */
function send(message: EdgeMessage): void {
  if (process.connected) process.send?.(message)
}
