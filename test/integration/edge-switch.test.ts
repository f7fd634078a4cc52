import { expect, test } from 'bun:test'

import { pino } from 'pino'

import { superviseEdges } from '../../src/edge/supervisor.ts'
import { edgeOptions } from '../support/edge-options.ts'
import { requires } from '../support/requires.ts'
import { loadSite, markedFiles, markOf } from '../support/site-load.ts'
import { createSiteStore } from '../support/site-store.ts'
import { runWrk } from '../support/wrk.ts'

const switches = 200
const hasWrk = requires('wrk')

test.if(hasWrk)(
  'two deployments alternate 200 times under load: no answer mixes them, none fails',
  async () => {
    const store = await createSiteStore()
    await store.deploy(markedFiles('start'))
    const edges = await superviseEdges({ ...edgeOptions(store), log: pino({ level: 'silent' }) })
    const url = `http://127.0.0.1:${edges.port}/`
    const load = loadSite(store.host, edges.port)
    try {
      let wrk = await runWrk({ url, host: store.host, seconds: 1, connections: 8 })
      expect(wrk).toMatchObject({ socketErrors: 0, otherStatuses: 0 })
      let done = 0
      while (done < switches) {
        const running = runWrk({ url, host: store.host, seconds: 3, connections: 8 })
        let ended = false
        void running.finally(() => (ended = true))
        for (; !ended && done < switches; done++) {
          const mark = done % 2 === 0 ? 'even' : 'odd'
          await store.deploy(markedFiles(mark))
          await edges.sitesChanged()
          // Whoever asks after the acknowledgement sees the new one, whichever process answers.
          const bodies = await Promise.all([1, 2].map(() => visit(url, store.host)))
          expect(bodies.map(markOf)).toEqual([mark, mark])
        }
        wrk = await running
        expect(wrk).toMatchObject({ socketErrors: 0, otherStatuses: 0 })
        expect(wrk.requests).toBeGreaterThan(0)
      }
    } finally {
      const problems = await load.stop()
      await edges.stop()
      await store.close()
      expect(problems).toEqual([])
    }
    expect(load.visits()).toBeGreaterThan(switches)
  },
  60_000,
)

async function visit(url: string, host: string): Promise<string> {
  const response = await fetch(url, { headers: { host, connection: 'close' } })
  return response.text()
}
