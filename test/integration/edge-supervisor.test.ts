import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

import { pino } from 'pino'

import { identify } from '../../src/edge/former-edges.ts'
import { type EdgeSupervisor, SitesPortInUse, superviseEdges } from '../../src/edge/supervisor.ts'
import { startControl } from '../support/edge-control-process.ts'
import { edgeOptions } from '../support/edge-options.ts'
import { loadSite, markedFiles, markOf } from '../support/site-load.ts'
import { createSiteStore, type SiteStore } from '../support/site-store.ts'
import { waitFor } from '../support/wait-for.ts'

const log = pino({ level: 'silent' })

let store: SiteStore
let edges: EdgeSupervisor | undefined

beforeEach(async () => {
  store = await createSiteStore()
  await store.deploy(markedFiles('first'))
})

afterEach(async () => {
  await edges?.stop()
  edges = undefined
  await store.close()
})

function edgePids(): number[] {
  const file = edgeOptions(store).edgesFile
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }[]).map(({ pid }) => pid)
    : []
}

async function shownAt(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    headers: { host: store.host, connection: 'close' },
  })
  return markOf(await response.text())
}

test('every edge shows a change once it is acknowledged, and none is left after a stop', async () => {
  edges = await superviseEdges({ ...edgeOptions(store), log })
  const pids = edgePids()
  expect(pids).toHaveLength(2)
  expect(await shownAt(edges.port)).toBe('first')
  await store.deploy(markedFiles('second'))
  await edges.sitesChanged()
  // New connections go to either process.
  const shown = await Promise.all(Array.from({ length: 20 }, () => shownAt(edges!.port)))
  expect(new Set(shown)).toEqual(new Set(['second']))
  await edges.stop()
  expect(pids.filter((pid) => identify(pid))).toEqual([])
})

test('a server that cannot wait leaves no edge behind', async () => {
  edges = await superviseEdges({ ...edgeOptions(store), log })
  const pids = edgePids()
  edges.kill()
  await waitFor('the edges to be gone', 5, () => pids.every((pid) => !identify(pid)))
})

test('a change that nobody tells of is seen all the same', async () => {
  edges = await superviseEdges({ ...edgeOptions(store), log })
  expect(await shownAt(edges.port)).toBe('first')
  await store.deploy(markedFiles('second'))
  await waitFor('the edges to see the change', 10, async () => (await shownAt(edges!.port)) === 'second')
})

test('an edge that is killed is started again', async () => {
  edges = await superviseEdges({ ...edgeOptions(store, 0, 1), log })
  const [killed] = edgePids()
  process.kill(killed!, 'SIGKILL')
  await waitFor('another edge to serve', 20, () =>
    shownAt(edges!.port).then(
      () => true,
      () => undefined,
    ),
  )
  expect(edgePids()).toHaveLength(1)
  expect(edgePids()).not.toContain(killed!)
  await store.deploy(markedFiles('second'))
  await edges.sitesChanged()
  expect(await shownAt(edges.port)).toBe('second')
})

test('an edge that does not acknowledge a change is replaced, and nobody sees the old state afterwards', async () => {
  edges = await superviseEdges({ ...edgeOptions(store), log })
  const [stuck] = edgePids()
  process.kill(stuck!, 'SIGSTOP')
  await store.deploy(markedFiles('second'))
  await edges.sitesChanged()
  expect(identify(stuck!)).toBeUndefined()
  expect(await shownAt(edges.port)).toBe('second')
}, 20_000)

test('edges outlive a control that is killed, and hand over to those of the next without a failed request', async () => {
  const first = await startControl(edgeOptions(store))
  const load = loadSite(store.host, first.port)
  const former = edgePids()
  try {
    await first.kill()
    const alone = load.visits()
    await waitFor('visits without a control', 10, () => load.visits() > alone + 50)
    edges = await superviseEdges({ ...edgeOptions(store, first.port), log })
    await waitFor('the former edges to end', 20, () =>
      former.some((pid) => identify(pid)) ? undefined : true,
    )
    const before = load.visits()
    await waitFor('visits of the new edges', 10, () => load.visits() > before + 50)
  } finally {
    const problems = await load.stop()
    for (const pid of former) if (identify(pid)) process.kill(pid, 'SIGKILL')
    expect(problems).toEqual([])
  }
  await waitFor('the former edges to be crossed out', 5, () =>
    edgePids().some((pid) => former.includes(pid)) ? undefined : true,
  )
}, 40_000)

test('an edge without a control ends when the data directory is gone', async () => {
  const control = await startControl(edgeOptions(store))
  const former = edgePids()
  await control.kill()
  expect(await shownAt(control.port)).toBe('first')
  rmSync(edgeOptions(store).edgesFile)
  await waitFor('the edges to end', 20, () => (former.some((pid) => identify(pid)) ? undefined : true))
}, 30_000)

test('a process that has the pid of a former edge by chance is left alone', async () => {
  const bystander = Bun.spawn(['sleep', '60'])
  try {
    const { edgesFile } = edgeOptions(store)
    writeFileSync(edgesFile, JSON.stringify([{ pid: bystander.pid, startedAt: '1', port: 0 }]))
    edges = await superviseEdges({ ...edgeOptions(store, 0, 1), log })
    await edges.stop()
    expect(bystander.exitCode).toBeNull()
    expect(identify(bystander.pid)).toBeDefined()
  } finally {
    bystander.kill()
  }
})

test('a port that another program holds is refused', async () => {
  const other = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    reusePort: true,
    fetch: () => new Response('other'),
  })
  try {
    await expect(superviseEdges({ ...edgeOptions(store, other.port), log })).rejects.toThrow(SitesPortInUse)
  } finally {
    await other.stop(true)
  }
})
