import { join } from 'node:path'

import { pino } from 'pino'

/**
 * Static files of 4 and 64 KiB from an edge process, against nginx on the same core, with wrk on another one, measured in
 * turns. The claim in docs/performance.md: for 4 KiB at least nginx's rate. `--rounds` and `--seconds` change how long it takes.
 */
import { superviseEdges } from '../src/edge/supervisor.ts'
import { createSiteStore } from '../test/support/site-store.ts'
import { runWrk } from '../test/support/wrk.ts'
import { median, option } from './support/measure.ts'
import { startNginx } from './support/nginx.ts'

const rounds = option('--rounds', 5)
const seconds = option('--seconds', 5)
const connections = 64
const [serverCore, wrkCore] = [0, 1]
const KiB = 1024
const files = { '4k.html': text(4 * KiB), '64k.html': text(64 * KiB) }

const store = await createSiteStore()
await store.deploy(files)
const edges = await superviseEdges({
  command: [
    'taskset',
    '-c',
    String(serverCore),
    process.execPath,
    join(import.meta.dir, '../src/main.ts'),
    'edge',
  ],
  settings: {
    host: '127.0.0.1',
    port: 0,
    databaseUrl: store.databaseUrl,
    blobsFolder: store.blobsFolder,
    siteSuffix: 'localhost',
    memoryBytes: 64 * KiB * KiB,
    logLevel: 'error',
  },
  processes: 1,
  edgesFile: join(store.folder, 'edges.json'),
  log: pino({ level: 'error' }),
})
const nginx = await startNginx(files, serverCore)
try {
  for (const path of Object.keys(files)) {
    const rates: Record<'nginx' | 'preamp', number[]> = { nginx: [], preamp: [] }
    for (let round = 0; round < rounds; round++) {
      rates.nginx.push(await rateOf(nginx.port, path))
      rates.preamp.push(await rateOf(edges.port, path))
    }
    const [theirs, ours] = [median(rates.nginx), median(rates.preamp)]
    console.log(`${path}: nginx ${list(rates.nginx)}, preamp ${list(rates.preamp)} requests a second`)
    console.log(`${path}: ratio ${(ours / theirs).toFixed(2)} (medians of ${rounds})`)
  }
} finally {
  await Promise.all([edges.stop(), nginx.stop()])
  await store.close()
}

async function rateOf(port: number, path: string): Promise<number> {
  const url = `http://127.0.0.1:${port}/${path}`
  const result = await runWrk({ url, host: store.host, seconds, connections, core: wrkCore })
  if (result.socketErrors + result.otherStatuses > 0) {
    throw new Error(`${url} failed under load: ${JSON.stringify(result)}`)
  }
  return result.requestsPerSecond
}

function text(bytes: number): Uint8Array {
  return new TextEncoder().encode('<p>Preamp serves this line.</p>\n'.repeat(bytes / 32))
}

function list(rates: number[]): string {
  return rates.map(Math.round).join(' ')
}
