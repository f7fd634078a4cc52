/**
 * What each answer of a site brings with it besides itself, in nanoseconds of the processor: its id and the header that tells
 * it, its counts for the metrics, its line of the access log as bytes. Measured inside a server, with the request that it
 * got. A time of a processor stands the noise of a busy machine where a rate does not; the least of many rounds is shown.
 * `--rounds` changes how long it takes.
 */
import { accessLogLine } from '../src/edge/access-log-line.ts'
import { type Answer, responseOf } from '../src/edge/answer.ts'
import { nextRequestId } from '../src/edge/request-id.ts'
import { createSiteCounters } from '../src/edge/site-counters.ts'
import type { Site } from '../src/edge/site.ts'
import { text } from './support/edge.ts'
import { option } from './support/measure.ts'

const rounds = option('--rounds', 15)
const calls = 5000
/** What a browser sends and the log keeps. */
const headers = {
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36',
  Referer: 'https://www.example.com/a/page?with=a&query=string',
}
const facts = { status: 200, contentType: 'text/html; charset=utf-8', contentLength: 4096 }
const answer: Answer = {
  headers: new Headers({ 'content-type': facts.contentType, etag: '"a"', 'cache-control': 'no-cache' }),
  body: new Blob([text(4096)]),
  facts,
}
const counters = createSiteCounters()
// What counts look at.
const site = { appId: 'd1', branchName: 'main' } as Site
const stamp = { time: '2026-11-25,14:03:22', cookies: false }
const id = nextRequestId()
const bytes = Buffer.alloc(4096)

const visit = { facts, scheme: 'http', mayBeHttp2: false, id, milliseconds: 0 } as const

const works: Record<string, (request: Request) => unknown> = {
  'an answer from memory, without its id': () => new Response(answer.body, answer),
  'the same with its id': () => responseOf(answer, nextRequestId()),
  'an id': () => nextRequestId(),
  'its counts': (request) => counters.count(site, request, facts, 0),
  'its line of the access log': (request) =>
    bytes.write(accessLogLine({ ...visit, request }, stamp), 'latin1'),
}

const least = new Map<string, number>()
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request) {
    for (const [name, work] of Object.entries(works)) {
      const before = process.cpuUsage()
      for (let call = 0; call < calls; call++) work(request)
      const { user, system } = process.cpuUsage(before)
      least.set(name, Math.min(least.get(name) ?? Infinity, ((user + system) * 1000) / calls))
    }
    return new Response('done')
  },
})
for (let round = 0; round < rounds; round++) await (await fetch(server.url, { headers })).text()
await server.stop(true)
for (const [name, nanoseconds] of least) console.log(`${name}: ${Math.round(nanoseconds)} ns`)
