/**
 * What the access log costs: a file of 4 KiB from three edge processes on the same core, without a log, with one that leaves
 * out the visitors' addresses, and with a whole one, measured in turns. The claim in docs/performance.md. An address costs a
 * system call, whose time differs much between machines: it is measured too. `--rounds` and `--seconds` change how long it
 * takes.
 */
import { join } from 'node:path'

import { createSiteStore } from '../test/support/site-store.ts'
import { rateOf, startEdge, text } from './support/edge.ts'
import { listOf, median, option } from './support/measure.ts'

const rounds = option('--rounds', 5)
const seconds = option('--seconds', 5)
/** What a browser sends and the log keeps. */
const headers = {
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36',
  Referer: 'https://www.example.com/a/page?with=a&query=string',
}

const store = await createSiteStore()
await store.deploy({ '4k.html': text(4096) })
const folder = join(store.folder, 'access-logs')
const logs = {
  'no log': null,
  'log without addresses': { folder, cookies: false, addresses: false },
  log: { folder, cookies: false, addresses: true },
}
const edges = []
try {
  for (const [name, accessLog] of Object.entries(logs)) {
    edges.push({ name, rates: [] as number[], edge: await startEdge(store, name, { accessLog }) })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { edge, rates } of edges) {
      rates.push(await rateOf({ port: edge.port, path: '4k.html', host: store.host, seconds, headers }))
    }
  }
  const without = median(edges[0]!.rates)
  for (const { name, rates } of edges) {
    const ratio = (median(rates) / without).toFixed(2)
    console.log(`${name}: ${listOf(rates)} requests a second, ratio ${ratio} (medians of ${rounds})`)
  }
  console.log(`a system call: ${systemCallNanoseconds()} ns`)
} finally {
  await Promise.all(edges.map(({ edge }) => edge.stop()))
  await store.close()
}

/** The shortest there is that Bun makes each time it is asked. */
function systemCallNanoseconds(): number {
  const calls = 100_000
  const start = performance.now()
  for (let call = 0; call < calls; call++) void process.ppid
  return Math.round(((performance.now() - start) / calls) * 1e6)
}
