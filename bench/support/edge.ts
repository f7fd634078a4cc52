import { join } from 'node:path'

import { pino } from 'pino'

import type { EdgeSettings } from '../../src/edge/messages.ts'
import { type EdgeSupervisor, superviseEdges } from '../../src/edge/supervisor.ts'
import { edgeOptions } from '../../test/support/edge-options.ts'
import type { SiteStore } from '../../test/support/site-store.ts'
import { runWrk } from '../../test/support/wrk.ts'

/** The server has a core of its own, and so has whoever loads it. */
export const [serverCore, wrkCore] = [0, 1]

/**
 * Starts one edge process over these sites, pinned to the server's core.
 * @param name tells it from others over the same sites
 */
export function startEdge(
  store: SiteStore,
  name: string,
  settings: Partial<EdgeSettings> = {},
): Promise<EdgeSupervisor> {
  const options = edgeOptions(store)
  return superviseEdges({
    command: ['taskset', '-c', String(serverCore), ...options.command],
    settings: { ...options.settings, memoryBytes: 64 * 1024 ** 2, logLevel: 'error', ...settings },
    processes: 1,
    edgesFile: join(store.folder, `${name}.json`),
    log: pino({ level: 'error' }),
  })
}

/** Requests a second for one address. @throws when a request failed */
export async function rateOf(options: {
  port: number
  path: string
  host: string
  seconds: number
  headers?: Record<string, string>
  /** A program in Lua that says what to ask for. */
  script?: string
}): Promise<number> {
  const { port, path, ...load } = options
  const url = `http://127.0.0.1:${port}/${path}`
  const result = await runWrk({ url, connections: 64, core: wrkCore, ...load })
  if (result.socketErrors + result.otherStatuses > 0) {
    throw new Error(`${url} failed under load: ${JSON.stringify(result)}`)
  }
  return result.requestsPerSecond
}

/** Text of so many bytes, as a page might be. */
export function text(bytes: number): Uint8Array {
  return new TextEncoder().encode('<p>Preamp serves this line.</p>\n'.repeat(bytes / 32))
}
