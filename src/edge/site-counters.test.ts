import { expect, test } from 'bun:test'

import { limits } from '../model/limits.ts'
import { emptyMetrics } from '../model/site-metrics.ts'
import { MetricTotals } from './metric-totals.ts'
import { createSiteCounters } from './site-counters.ts'
import type { Site } from './site.ts'

const siteOf = (branchName: string, appId = 'd1') => ({ appId, branchName }) as Site
const visits = (branchName: string) => ({ ...emptyMetrics('d1', branchName), requests: 1 })
const request = new Request('http://main.d1.localhost/')

test('sites of one branch are counted together, and what was taken is not counted again', () => {
  const counters = createSiteCounters()
  const [one, other] = [siteOf('main'), siteOf('main')]
  counters.count(one, request, { status: 200, contentLength: 5 }, 0)
  counters.count(other, request, { status: 404, contentLength: 7 }, 30)
  counters.count(siteOf('main', 'd2'), request, { status: 503 }, 0)
  const [first, second, ...more] = counters.take()
  expect(first).toMatchObject({
    appId: 'd1',
    requests: 2,
    bytesDownloaded: 12,
    clientErrors: 1,
    serverErrors: 0,
  })
  expect(first!.latencySeconds).toBeCloseTo(0.03)
  expect(
    first!.latencyCounts.map((count, place) => [place, count]).filter(([, count]) => count !== 0),
  ).toEqual([
    [0, 1],
    [5, 1],
  ])
  expect(second).toMatchObject({ appId: 'd2', requests: 1, serverErrors: 1 })
  expect(more).toEqual([])
  counters.count(one, request, { status: 200 }, 60_000)
  const [again] = counters.take()
  expect([again!.requests, again!.latencyCounts.at(-1)]).toEqual([1, 1])
  expect(counters.take()).toEqual([])
})

test('what a request announces is its upload, where it is a number', () => {
  const counters = createSiteCounters()
  for (const length of ['5', '-1', '1e400', 'x']) {
    const sent = { method: 'POST', headers: new Headers({ 'content-length': length }) } as unknown as Request
    counters.count(siteOf('main'), sent, { status: 405 }, 0)
  }
  expect(counters.take()[0]!.bytesUploaded).toBe(5)
})

test('branches beyond the bound are counted together, and nothing is lost', () => {
  const counters = createSiteCounters()
  const branches = limits.metricBranchesMax + 10
  for (let number = 0; number < branches; number++) {
    counters.count(siteOf(`b${number}`), request, { status: 200 }, 0)
  }
  const taken = counters.take()
  expect(taken.length).toBeLessThanOrEqual(limits.metricBranchesMax + 1)
  expect(taken.reduce((sum, { requests }) => sum + requests, 0)).toBe(branches)
  expect(taken.find(({ appId }) => appId === '')!.requests).toBe(10)
})

test('totals keep the branches that were visited last', () => {
  const totals = new MetricTotals()
  totals.add([visits('first'), visits('second')])
  totals.add(Array.from({ length: limits.metricBranchesMax - 2 }, (_, number) => visits(`b${number}`)))
  totals.add([visits('first'), visits('new')])
  const kept = new Map(totals.list().map(({ branchName, requests }) => [branchName, requests]))
  expect([kept.size, kept.get('first'), kept.get('second'), kept.get('new')]).toEqual([
    limits.metricBranchesMax,
    2,
    undefined,
    1,
  ])
})
