/**
 * Static files of 4 and 64 KiB from an edge process, against nginx on the same core, with wrk on another one, measured in
 * turns; neither writes an access log. The claim in docs/performance.md: for 4 KiB at least nginx's rate. `--rounds` and
 * `--seconds` change how long it takes.
 */
import { createSiteStore } from '../test/support/site-store.ts'
import { rateOf, serverCore, startEdge, text } from './support/edge.ts'
import { listOf, median, option } from './support/measure.ts'
import { startNginx } from './support/nginx.ts'

const rounds = option('--rounds', 5)
const seconds = option('--seconds', 5)
const KiB = 1024
const files = { '4k.html': text(4 * KiB), '64k.html': text(64 * KiB) }

const store = await createSiteStore()
await store.deploy(files)
const edges = await startEdge(store, 'edges')
const nginx = await startNginx(files, serverCore)
try {
  for (const path of Object.keys(files)) {
    const rates: Record<'nginx' | 'preamp', number[]> = { nginx: [], preamp: [] }
    const load = { path, host: store.host, seconds }
    for (let round = 0; round < rounds; round++) {
      rates.nginx.push(await rateOf({ ...load, port: nginx.port }))
      rates.preamp.push(await rateOf({ ...load, port: edges.port }))
    }
    const [theirs, ours] = [median(rates.nginx), median(rates.preamp)]
    console.log(`${path}: nginx ${listOf(rates.nginx)}, preamp ${listOf(rates.preamp)} requests a second`)
    console.log(`${path}: ratio ${(ours / theirs).toFixed(2)} (medians of ${rounds})`)
  }
} finally {
  await Promise.all([edges.stop(), nginx.stop()])
  await store.close()
}
