/**
 * A server under load at 80 % of what it can do, with a deploy, a change of rules or a rollback every second, slow visitors and
 * visitors who break off. The claims in docs/performance.md: no request fails, and after the first minute the edge's memory does
 * not grow. `--minutes` changes how long it takes.
 */
import { readFileSync } from 'node:fs'

import { askEndpoint } from '../test/support/call-endpoint.ts'
import { startPreamp, type TestPreamp } from '../test/support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../test/support/published-site.ts'
import { runWrk } from '../test/support/wrk.ts'
import { runSteadyLoad } from './support/h2load.ts'
import { listOf, option } from './support/measure.ts'
import { visitOddly } from './support/odd-clients.ts'

const minutes = option('--minutes', 10)
const capacitySeconds = 10
const connections = 32
const memoryPauseMilliseconds = 5000

const film = 'a frame of a film\n'.repeat(20_000)
const page = (text: string): string =>
  `<html><p>${text}</p>${'<p>a line of the page</p>\n'.repeat(150)}</html>\n`

const preamp = await startPreamp()
try {
  const site = await createPublishedSite(preamp)
  await site.publish({ 'index.html': page('first'), 'film.mp4': film })
  await soak(site)
} finally {
  await preamp.stop()
}

async function soak(site: PublishedSite): Promise<void> {
  const { host } = site
  const port = Number(new URL(preamp.sitesUrl).port)
  const url = `${preamp.sitesUrl}/`
  const { requestsPerSecond } = await runWrk({ url, host, seconds: capacitySeconds, connections })
  const rate = Math.round(requestsPerSecond * 0.8)
  console.log(`capacity ${Math.round(requestsPerSecond)} requests a second, load ${rate}`)
  const seconds = minutes * 60
  const until = Date.now() + seconds * 1000
  const [load, odd, changes, memory] = await Promise.all([
    runSteadyLoad({ port, host, path: '', seconds, connections, requestsPerSecond: rate / connections }),
    visitOddly({ port, host, perSecond: Math.max(1, Math.round(rate / 100)) }, until),
    changeEverySecond(site, until),
    watchMemory(preamp, until),
  ])
  console.log(
    `requests: ${load.succeeded} succeeded, ${load.failed} failed, ${load.otherStatuses} of another status (claim: none)`,
  )
  console.log(
    `slow visitors: ${odd.slow} answered, ${odd.failures.length} not (claim: none); broken off: ${odd.aborted}`,
  )
  for (const failure of odd.failures.slice(0, 5)) console.log(failure)
  console.log(
    `changes: ${Object.entries(changes)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  )
  const byMinute = Array.from({ length: minutes }, (_, minute) => {
    const perMinute = 60_000 / memoryPauseMilliseconds
    return Math.max(...memory.slice(minute * perMinute, (minute + 1) * perMinute))
  })
  console.log(
    `memory of the edge, most in each minute: ${listOf(byMinute)} MB (claim: no growth after the first)`,
  )
}

/** A deploy, a change of rules and a rollback in turn. */
async function changeEverySecond(site: PublishedSite, until: number): Promise<Record<string, number>> {
  const done: Record<string, number> = { deploys: 0, 'changes of rules': 0, rollbacks: 0 }
  const names = Object.keys(done)
  for (let number = 0; Date.now() < until; number++) {
    const begun = Date.now()
    const name = names[number % names.length]!
    if (name === 'deploys') await site.publish({ 'index.html': page(`page ${number}`), 'film.mp4': film })
    else if (name === 'rollbacks') await rollBack(site)
    else await site.setRules([`/old-${number}`, '/', '301'], ['/<*>', '/index.html', '404-200'])
    done[name]! += 1
    await Bun.sleep(Math.max(0, 1000 - (Date.now() - begun)))
  }
  return done
}

async function rollBack({ appId, branchName }: PublishedSite): Promise<void> {
  const server = { url: preamp.apiUrl, key: preamp.credentials }
  const path = `/_preamp/apps/${appId}/branches/${branchName}/rollback`
  const { status, answer } = await askEndpoint(server, 'POST', path, {})
  if (status !== 200) throw new Error(`The rollback failed: ${JSON.stringify(answer)}`)
}

/** @returns what the edge takes, in MB, every few seconds */
async function watchMemory({ edgePids }: TestPreamp, until: number): Promise<number[]> {
  const seen: number[] = []
  while (Date.now() < until) {
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${edgePids()[0]}/status`, 'utf8')) ?? []
    seen.push(Number(kilobytes) / 1024)
    await Bun.sleep(memoryPauseMilliseconds)
  }
  return seen
}
