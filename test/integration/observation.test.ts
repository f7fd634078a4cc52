import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { CreateBranchCommand, GenerateAccessLogsCommand } from '@aws-sdk/client-amplify'

import { sendSigned } from '../../src/cli/call-endpoint.ts'
import { readEvents, type StreamEvent } from '../../src/cli/event-stream.ts'
import { parseAccessLog, parseAccessLogLine } from '../support/access-log.ts'
import { runCommand, startCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { sendRaw } from '../support/raw-http.ts'
import { waitFor } from '../support/wait-for.ts'

/** Ids of requests, metrics and visits as they come, of a whole server with two edges. */

const token = 'a-token-of-the-operator'
const page = '<h1>Home</h1>'

let preamp: TestPreamp
let site: PublishedSite
let upstream: Bun.Server<undefined>
const seenIds: (string | null)[] = []

beforeAll(async () => {
  upstream = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      await request.text()
      seenIds.push(request.headers.get('x-amz-cf-id'))
      return new Response('upstream', { headers: { 'x-amz-cf-id': 'of somebody else' } })
    },
  })
  preamp = await startPreamp({
    environment: { PREAMP_METRICS_TOKEN: token, PREAMP_EDGE_PROCESSES: '2', PREAMP_PROXY_HTTP: 'true' },
  })
  site = await createPublishedSite(preamp)
  await site.publish({ 'index.html': page, 'app.js': 'let a = 1' })
  await site.setRules(
    ['/api/<*>', `http://127.0.0.1:${upstream.port}/<*>`, '200'],
    ['/broken/<*>', 'http://127.0.0.1:1/<*>', '200'],
  )
})
afterAll(async () => {
  await preamp.stop()
  await upstream.stop(true)
})

/** Each on a connection of its own, so that both edges are asked. */
async function visit(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { connection: 'close', ...(init.headers as Record<string, string>) }
  return site.visit(path, { ...init, headers })
}

const idOf = (response: Response) => response.headers.get('x-amz-cf-id')!

describe('the id of a request', () => {
  test('is another one for each answer, and the one in the access log', async () => {
    const agent = { headers: { 'user-agent': 'ids' } }
    const responses = [
      await visit('/', agent),
      await visit('/', agent),
      await visit('/', { ...agent, method: 'HEAD' }),
      await visit('/missing', agent),
      await visit('/missing.css', agent),
      await visit('/api/x', agent),
      await visit('/', { ...agent, method: 'OPTIONS' }),
    ]
    const ids = responses.map(idOf)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(ids).size).toBe(ids.length)
    const { logUrl } = await preamp.client.send(
      new GenerateAccessLogsCommand({ appId: site.appId, domainName: site.host }),
    )
    const lines = parseAccessLog(await (await fetch(logUrl!)).text())
    const logged = lines.filter((line) => line['cs(User-Agent)'] === 'ids')
    expect(logged).toHaveLength(ids.length)
    expect(new Set(logged.map((line) => line['x-edge-request-id']))).toEqual(new Set(ids))
  })

  test('is on the pages of errors, and as long for HEAD', async () => {
    const response = await visit('/missing.css')
    const text = await response.text()
    expect(text).toContain(`Request ${idOf(response)}<`)
    const head = await visit('/missing.css', { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe(String(text.length))
    const unknown = await visit('/', { headers: { host: 'main.dnobody.localhost' } })
    expect(await unknown.text()).toContain(idOf(unknown))
  })

  test('is on the refusal of a body that is too long, announced or not, which log and metrics know of', async () => {
    const name = named('amplify_4xx_errors_total')
    const uploaded = named('amplify_bytes_uploaded_total')
    const before = await metrics()
    const head = `POST /api/x HTTP/1.1\r\nHost: ${site.host}\r\nUser-Agent: too-long\r\n`
    const large = 1024 * 1024 + 1
    const port = Number(new URL(preamp.sitesUrl).port)
    const announced = await sendRaw(port, `${head}Content-Length: ${large}\r\n\r\n`)
    const chunk = `${large.toString(16)}\r\n${'a'.repeat(large)}`
    const inChunks = await sendRaw(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`)
    const refused = [announced, inChunks]
    for (const { status, headers, body } of refused) {
      expect([status, headers['connection']]).toEqual([413, 'close'])
      expect(body).toContain(`Request ${headers['x-amz-cf-id']}<`)
    }
    const { logUrl } = await preamp.client.send(
      new GenerateAccessLogsCommand({ appId: site.appId, domainName: site.host }),
    )
    const lines = parseAccessLog(await (await fetch(logUrl!)).text())
    const logged = lines.filter((line) => line['cs(User-Agent)'] === 'too-long')
    expect(new Set(logged.map((line) => `${line['sc-status']} ${line['x-edge-request-id']}`))).toEqual(
      new Set(refused.map(({ headers }) => `413 ${headers['x-amz-cf-id']}`)),
    )
    const after = await metrics()
    expect(after.get(name)).toBe((before.get(name) ?? 0) + 2)
    expect(after.get(uploaded)).toBe(before.get(uploaded) ?? 0)
    const whole = await visit('/api/x', { method: 'POST', body: 'a'.repeat(large - 1) })
    expect(await whole.text()).toBe('upstream')
  })

  test('is told to the server that a rule leads to, and stands in our log where that fails', async () => {
    const response = await visit('/api/x', { headers: { 'x-amz-cf-id': 'of the visitor' } })
    expect(seenIds.at(-1)).toBe(idOf(response))
    const broken = await visit('/broken/x')
    expect(broken.status).toBe(502)
    await waitFor('the line of the log', 5, () =>
      preamp
        .output()
        .split('\n')
        .some((line) => line.includes('did not answer') && line.includes(idOf(broken))),
    )
  })
})

async function scrape(authorization = `Bearer ${token}`): Promise<Response> {
  return fetch(`${preamp.apiUrl}/_preamp/metrics`, { headers: { authorization } })
}

/** Values by name and labels. */
async function metrics(): Promise<Map<string, number>> {
  const response = await scrape()
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

const named = (name: string) => `${name}{app="${site.appId}",branch="main"}`

describe('metrics', () => {
  test('are summed over all edges, and do not fall when one ends', async () => {
    const before = await metrics()
    const counted = async (name: string) =>
      (await metrics()).get(named(name))! - (before.get(named(name)) ?? 0)
    await Promise.all(Array.from({ length: 30 }, () => visit('/')))
    await visit('/', { method: 'HEAD' })
    await visit('/', { headers: { range: 'bytes=0-3' } })
    const { length } = await (await visit('/missing.css')).text()
    await visit('/broken/x').then((response) => response.text())
    await visit('/api/x', { method: 'POST', body: 'water' })
    expect(await counted('amplify_requests_total')).toBe(35)
    expect(await counted('amplify_4xx_errors_total')).toBe(1)
    expect(await counted('amplify_5xx_errors_total')).toBe(1)
    expect(await counted('amplify_bytes_uploaded_total')).toBe(5)
    expect(await counted('amplify_bytes_downloaded_total')).toBeGreaterThanOrEqual(
      30 * page.length + 4 + length,
    )
    expect(await counted('amplify_latency_seconds_count')).toBe(35)

    const [killed] = preamp.edgePids()
    process.kill(killed!, 'SIGKILL')
    await waitFor('another edge', 20, async () => {
      const pids = preamp.edgePids()
      return (
        pids.length === 2 && !pids.includes(killed!) && (await metrics()).get('preamp_edge_processes') === 2
      )
    })
    expect(await counted('amplify_requests_total')).toBe(35)
  }, 30_000)

  test('have a histogram whose buckets hold those before them', async () => {
    await visit('/')
    const values = await metrics()
    const buckets = [...values]
      .filter(([name]) => name.startsWith(`amplify_latency_seconds_bucket{app="${site.appId}",branch="main"`))
      .map(([, value]) => value)
    expect(buckets.length).toBeGreaterThan(5)
    expect(buckets).toEqual(buckets.toSorted((a, b) => a - b))
    expect(buckets.at(-1)).toBe(values.get(named('amplify_latency_seconds_count')))
  })

  test('count patterns that take too long', async () => {
    await site.setRules(['</^(\\/a+)+$/>', '/index.html', '200'])
    const name = named('preamp_pattern_overruns_total')
    const before = (await metrics()).get(name) ?? 0
    await visit(`/${'a'.repeat(4000)}!.x`)
    expect((await metrics()).get(name)).toBe(before + 1)
    await site.setRules(['/api/<*>', `http://127.0.0.1:${upstream.port}/<*>`, '200'])
  })

  test('survive any name of a branch, and hosts of nobody are none', async () => {
    const branchName = 'fe"at\\ure\n'
    const { branch } = await preamp.client.send(new CreateBranchCommand({ appId: site.appId, branchName }))
    await visit('/', { headers: { host: `${branch!.displayName}.${site.appId}.localhost` } })
    for (let nobody = 0; nobody < 20; nobody++) {
      await visit('/', { headers: { host: `b${nobody}.${site.appId}.localhost` } })
    }
    const values = await metrics()
    expect(values.get(String.raw`amplify_4xx_errors_total{app="${site.appId}",branch="fe\"at\\ure\n"}`)).toBe(
      1,
    )
    const branches = [...values.keys()].filter((name) => name.startsWith('amplify_requests_total'))
    expect(branches).toHaveLength(2)
  })

  test('tell the queue', async () => {
    const values = await metrics()
    expect(
      ['preamp_jobs_waiting', 'preamp_jobs_running', 'preamp_builds_paused'].map((name) => values.get(name)),
    ).toEqual([0, 0, 0])
  })

  test('are for who brings the token', async () => {
    for (const wrong of [
      '',
      'Bearer',
      `Bearer ${token}x`,
      `Basic ${token}`,
      `Bearer ${token.slice(0, -1)}`,
    ]) {
      expect((await scrape(wrong)).status).toBe(403)
    }
    expect((await scrape(`bearer  ${token}`)).status).toBe(200)
  })
})

async function follow(query: string, lastId?: string): Promise<Response> {
  const url = new URL(`/_preamp/apps/${site.appId}/access-log?${query}`, preamp.apiUrl)
  const signature = { region: 'us-east-1', credentials: preamp.credentials }
  return sendSigned(
    'GET',
    url,
    signature,
    lastId === undefined ? {} : { headers: { 'last-event-id': lastId } },
  )
}

/** Gathers events until it is told to stop. */
function gather(response: Response) {
  const events: StreamEvent[] = []
  const reading = (async () => {
    for await (const event of readEvents(response.body!)) events.push(event)
  })().catch(() => undefined)
  const agents = () =>
    events
      .filter(({ name }) => name === 'message')
      .flatMap(({ data }) => data.split('\n'))
      .map((line) => parseAccessLogLine(line)['cs(User-Agent)']!)
  return { events, agents, reading }
}

const agent = (name: string, host = site.host) => ({ headers: { 'user-agent': name, host } })

describe('visits as they come', () => {
  let otherHost: string
  beforeAll(async () => {
    const { branch } = await preamp.client.send(
      new CreateBranchCommand({ appId: site.appId, branchName: 'other' }),
    )
    otherHost = `${branch!.displayName}.${site.appId}.localhost`
  })

  test('are told about a second later, of one branch alone where one is named', async () => {
    const all = gather(await follow('follow=true&lines=0'))
    const one = gather(await follow('follow=true&lines=0&branch=main'))
    await waitFor('both to begin', 5, () => all.events.length > 0 && one.events.length > 0)
    const begun = performance.now()
    await visit('/', agent('first'))
    await waitFor('the visit', 10, () => one.agents().includes('first'))
    expect(performance.now() - begun).toBeLessThan(4000)
    await visit('/', agent('second', otherHost))
    await visit('/', agent('third'))
    // Each edge writes on its own, so that a later visit may be told first.
    await waitFor('the visits', 10, () => all.agents().length >= 3 && one.agents().length >= 2)
    expect(all.agents().toSorted()).toEqual(['first', 'second', 'third'])
    expect(one.agents().toSorted()).toEqual(['first', 'third'])
  }, 30_000)

  test('go on where a stream stopped', async () => {
    const controller = gather(await follow('follow=true&lines=0'))
    await waitFor('the beginning', 5, () => controller.events.length > 0)
    const lastId = controller.events.at(-1)!.id!
    await visit('/', agent('between'))
    const { events, agents, reading } = gather(await follow('follow=false&lines=0'))
    await reading
    expect([events.at(-1)!.name, agents()]).toEqual(['end', []])
    const resumed = gather(await follow('follow=true', lastId))
    await waitFor('the visit', 10, () => resumed.agents().includes('between'))
  }, 30_000)

  test('are as many of the last ones as are asked for', async () => {
    for (const name of ['a', 'b', 'c']) {
      await visit('/', agent(name))
      const second = Math.floor(Date.now() / 1000)
      await waitFor('the next second', 5, () => Math.floor(Date.now() / 1000) > second)
    }
    const { agents, reading } = gather(await follow('lines=2'))
    await reading
    expect(agents()).toEqual(['b', 'c'])
  })

  test('are for who may GenerateAccessLogs, of a branch that there is', async () => {
    const refused = await follow('branch=none')
    expect([refused.status, await refused.text()]).toEqual([
      404,
      expect.stringContaining('Branch none not found'),
    ])
    expect((await follow('lines=100000')).status).toBe(400)
    const stranger = await runCommand(preamp.dataDir, 'access', 'dnobody')
    expect([stranger.exitCode, stranger.errors]).toEqual([2, 'NotFoundException: App dnobody not found.\n'])
  })

  test('are shown by the command', async () => {
    const child = startCommand(preamp.dataDir, 'access', '-f', '-n', '0', site.appId, 'main')
    let output = ''
    const reading = (async () => {
      for await (const bytes of child.stdout) output += new TextDecoder().decode(bytes)
    })()
    try {
      await waitFor('a visit', 20, async () => {
        await visit('/app.js?a=1', agent('shown'))
        return output.includes('/app.js')
      })
      expect(output).toMatch(
        new RegExp(
          String.raw`^\d\d:\d\d:\d\d  200  GET   ${site.host.replace(/:.*/, '')}/app\.js\?a=1  9 B  \d+ ms  127\.0\.0\.1  [0-9a-f]{32}$`,
          'm',
        ),
      )
    } finally {
      child.kill()
      await reading
    }
    const csv = await runCommand(preamp.dataDir, 'access', '-n', '1', '--csv', site.appId)
    expect(csv.exitCode).toBe(0)
    expect(parseAccessLog(csv.output)).toHaveLength(1)
  }, 40_000)
})

test('a server without a token shows no metrics', async () => {
  const closed = await startPreamp()
  try {
    const response = await fetch(`${closed.apiUrl}/_preamp/metrics`, {
      headers: { authorization: 'Bearer undefined' },
    })
    expect([response.status, await response.text()]).toEqual([
      404,
      expect.stringContaining('PREAMP_METRICS_TOKEN'),
    ])
  } finally {
    await closed.stop()
  }
})
