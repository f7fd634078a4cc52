import { expect, test } from 'bun:test'

import { pino } from 'pino'

import { superviseEdges } from '../../src/edge/supervisor.ts'
import { edgeOptions } from '../support/edge-options.ts'
import { requires } from '../support/requires.ts'
import { loadSite, markedFiles, markOf } from '../support/site-load.ts'
import { createSiteStore } from '../support/site-store.ts'
import { runWrk, type WrkResult } from '../support/wrk.ts'

const switches = 200
const hasWrk = requires('wrk')

test.if(hasWrk)(
  'two deployments alternate 200 times under load: no answer mixes them, none fails',
  async () => {
    const store = await createSiteStore()
    await store.deploy(markedFiles('start'))
    const edges = await superviseEdges({ ...edgeOptions(store), log: pino({ level: 'silent' }) })
    const url = `http://127.0.0.1:${edges.port}/`
    const switched = new AbortController()
    // wrk for the load, our own visitors for what the answers say.
    const wrk = loadWithWrk(url, store.host, switched.signal)
    const visitors = loadSite(store.host, edges.port)
    try {
      for (let done = 0; done < switches; done++) {
        const mark = done % 2 === 0 ? 'even' : 'odd'
        await store.deploy(markedFiles(mark))
        await edges.sitesChanged()
        // Whoever asks after the acknowledgement sees the new one, whichever process answers.
        const bodies = await Promise.all([1, 2].map(() => visit(url, store.host)))
        expect(bodies.map(markOf)).toEqual([mark, mark])
      }
    } finally {
      switched.abort()
      const [problems, runs] = await Promise.all([visitors.stop(), wrk])
      await edges.stop()
      await store.close()
      expect(problems).toEqual([])
      for (const run of runs) expect(run).toMatchObject({ socketErrors: 0, otherStatuses: 0 })
      expect(runs.every((run) => run.requests > 0)).toBe(true)
    }
    expect(visitors.visits()).toBeGreaterThan(switches)
  },
  60_000,
)

/** One run after the other until it is enough. */
async function loadWithWrk(url: string, host: string, enough: AbortSignal): Promise<WrkResult[]> {
  const runs: WrkResult[] = []
  while (!enough.aborted) runs.push(await runWrk({ url, host, seconds: 1, connections: 8 }))
  return runs
}

async function visit(url: string, host: string): Promise<string> {
  const response = await fetch(url, { headers: { host, connection: 'close' } })
  return response.text()
}
