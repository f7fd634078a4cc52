import { afterEach, beforeEach, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'

import { pino } from 'pino'

import { createEdge, type Edge } from '../../src/edge/edge.ts'
import { identify } from '../../src/edge/former-edges.ts'
import { type EdgeSupervisor, superviseEdges } from '../../src/edge/supervisor.ts'
import { startControl } from '../support/edge-control-process.ts'
import { edgeOptions } from '../support/edge-options.ts'
import { loadWithoutRetries } from '../support/patient-client.ts'
import { createSiteStore, type SiteStore } from '../support/site-store.ts'
import { waitFor } from '../support/wait-for.ts'

/** What visitors notice of a server that ends, or hands over to another: nothing. */

const log = pino({ level: 'silent' })
let store: SiteStore

beforeEach(async () => {
  store = await createSiteStore()
  await store.deploy({ 'index.html': 'a page\n'.repeat(500) })
})
afterEach(() => store.close())

function optionsWithDrain(milliseconds: number, port = 0) {
  const options = edgeOptions(store, port)
  return { ...options, settings: { ...options.settings, drainMilliseconds: milliseconds } }
}

function openEdge(): Edge {
  return createEdge({
    ...store,
    siteSuffix: 'localhost',
    memoryBytes: 16 * 1024 * 1024,
    credentialsKey: new Uint8Array(32),
    log,
  })
}

test('whoever asks again within the time is told to close, and no request fails', async () => {
  const edges = await superviseEdges({ ...optionsWithDrain(1500), log })
  const busy = loadWithoutRetries(store.host, edges.port, { untilToldToClose: true })
  const slow = loadWithoutRetries(store.host, edges.port, { untilToldToClose: true, pauseMilliseconds: 700 })
  await waitFor('visits', 10, () => busy.visits() > 200 && slow.visits() > 8)
  const stopped = edges.stop()
  await Promise.all([busy.told, slow.told])
  await stopped
  expect([await busy.stop(), await slow.stop()]).toEqual([[], []])
}, 20_000)

test('an edge that nobody has asked anything ends at once', async () => {
  const edges = await superviseEdges({ ...optionsWithDrain(20_000), log })
  const started = performance.now()
  await edges.stop()
  expect(performance.now() - started).toBeLessThan(5000)
})

test('new edges take over from former ones without a failed request', async () => {
  const control = await startControl(optionsWithDrain(800))
  const former = (JSON.parse(readFileSync(edgeOptions(store).edgesFile, 'utf8')) as { pid: number }[]).map(
    ({ pid }) => pid,
  )
  const busy = loadWithoutRetries(store.host, control.port)
  const slow = loadWithoutRetries(store.host, control.port, { pauseMilliseconds: 300 })
  let edges: EdgeSupervisor | undefined
  try {
    await waitFor('visits', 10, () => busy.visits() > 200 && slow.visits() > 8)
    await control.kill()
    edges = await superviseEdges({ ...optionsWithDrain(800, control.port), log })
    await waitFor('the former edges to end', 20, () => !former.some((pid) => identify(pid)))
    const before = slow.visits()
    await waitFor('visits of the new edges', 10, () => slow.visits() > before + 16)
  } finally {
    const problems = [await busy.stop(), await slow.stop()]
    await edges?.stop()
    expect(problems).toEqual([[], []])
  }
}, 40_000)

test('clients of HTTP/2 finish what they have begun and are told to go', async () => {
  const edge = openEdge()
  const { port } = edge.listen({ host: '127.0.0.1', port: 0, plainHttp2: true })
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const goneAway = new Promise((resolve) => session.on('goaway', (code: number) => resolve(code)))
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      const stream = session.request({ ':path': '/', host: store.host })
      stream.on('response', (headers) => resolve(headers[':status'] as number))
      stream.on('error', reject)
      stream.resume()
    })
  expect(await ask()).toBe(200)
  const stopped = edge.stop(300)
  expect(await ask()).toBe(200)
  expect(await goneAway).toBe(0)
  await stopped
  session.close()
})
