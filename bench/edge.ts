/**
 * One edge process against nginx and Caddy, and against itself: on the same core, with the load on another one, in turns, medians.
 * The claims in docs/performance.md. `--rounds` and `--seconds` change how long it takes, `--only <name>` takes those whose name
 * holds it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { updateApp } from '../src/store/apps.ts'
import { freePort } from '../test/support/free-ports.ts'
import { appRow } from '../test/support/rows.ts'
import { createSiteStore, type SiteStore } from '../test/support/site-store.ts'
import { startCaddy } from './support/caddy.ts'
import { measureColdSites } from './support/cold-sites.ts'
import { rateOf, serverCore, startEdge, text, wrkCore } from './support/edge.ts'
import { runH2Load } from './support/h2load.ts'
import { listOf, median, option } from './support/measure.ts'
import { startNginx } from './support/nginx.ts'

const rounds = option('--rounds', 5)
const seconds = option('--seconds', 4)
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1]! : ''
const KiB = 1024
const files = { '4k.html': text(4 * KiB), '64k.html': text(64 * KiB) }
const tlsFiles = {
  certFile: new URL('../test/fixtures/tls/localhost.crt', import.meta.url).pathname,
  keyFile: new URL('../test/fixtures/tls/localhost.key', import.meta.url).pathname,
}
const acceptBrotli = { 'accept-encoding': 'br, gzip' }

type Measure = () => Promise<number>

interface Work {
  name: string
  /** Of which the first is ours. */
  rates: Record<string, Measure>
  /** By the name of the peer: how many times its rate. */
  goals: Record<string, number>
}

/** Whatever was begun, to be ended in the reverse order, also when something else could not be begun. */
const ends: (() => Promise<unknown>)[] = []

try {
  await run(await prepare())
} finally {
  for (const end of ends.toReversed()) await end()
}

async function begun<Server extends { stop(): Promise<unknown> }>(server: Promise<Server>): Promise<Server> {
  const running = await server
  ends.push(() => running.stop())
  return running
}

async function siteOf(content: Record<string, Uint8Array>, rules: object[] = []): Promise<SiteStore> {
  const site = await createSiteStore()
  ends.push(() => site.close())
  await site.deploy(content)
  const { settings } = appRow()
  const customRules = rules as never
  await updateApp(site.database.queries, site.appId, { settings: { ...settings, customRules } })
  return site
}

async function prepare() {
  const upstream = await begun(startNginx(files, wrkCore))
  const toUpstream = { source: '/api/<*>', target: `http://127.0.0.1:${upstream.port}/<*>`, status: '200' }
  const store = await siteOf(files, [{ source: '/old', target: '/4k.html', status: '301' }])
  const withRules = await siteOf(files, manyRules(1000))
  const large = await siteOf(manyFiles(100_000))
  const proxying = await siteOf(files, [toUpstream])
  const [tlsPort, nginxTlsPort] = [freePort(), freePort()]
  const edge = await begun(startEdge(store, 'edge', { tls: { ...tlsFiles, port: tlsPort, http2: true } }))
  const edgeWithRules = await begun(startEdge(withRules, 'rules'))
  const edgeOfLarge = await begun(startEdge(large, 'large'))
  const edgeThatProxies = await begun(
    startEdge(proxying, 'proxy', { privateAllowed: true, plainProxies: true }),
  )
  const compressed = Bun.gzipSync(Buffer.from(files['4k.html']))
  const nginx = await begun(
    startNginx({ ...files, '4k.html.gz': compressed }, serverCore, {
      http: `gzip_static on; upstream up { server 127.0.0.1:${upstream.port}; keepalive 64; }`,
      server:
        `listen 127.0.0.1:${nginxTlsPort} ssl http2; ssl_certificate ${tlsFiles.certFile}; ssl_certificate_key ${tlsFiles.keyFile}; ` +
        'location = /old { rewrite ^ /4k.html permanent; } location /api/ { proxy_pass http://up/; proxy_http_version 1.1; proxy_set_header Connection ""; }',
    }),
  )
  const caddy = await begun(startCaddy(files, serverCore))
  const caddyTls = await begun(
    startCaddy(files, serverCore, { certificate: tlsFiles.certFile, key: tlsFiles.keyFile }),
  )

  const ours = (path: string, headers?: Record<string, string>): Measure =>
    asked(edge.port, store.host, path, headers)
  const theirs = (path: string, headers?: Record<string, string>): Measure =>
    asked(nginx.port, 'localhost', path, headers)

  const works: Work[] = [
    {
      name: '4 KiB',
      rates: {
        preamp: ours('4k.html'),
        nginx: theirs('4k.html'),
        caddy: asked(caddy.port, 'localhost', '4k.html'),
      },
      goals: { nginx: 1.2, caddy: 2.5 },
    },
    {
      name: '64 KiB',
      rates: {
        preamp: ours('64k.html'),
        nginx: theirs('64k.html'),
        caddy: asked(caddy.port, 'localhost', '64k.html'),
      },
      goals: { nginx: 1, caddy: 1.5 },
    },
    {
      name: '304 by ETag',
      rates: {
        preamp: ours('4k.html', { 'if-none-match': await etagOf(edge.port, store.host) }),
        nginx: theirs('4k.html', { 'if-none-match': await etagOf(nginx.port, 'localhost') }),
      },
      goals: { nginx: 1.2 },
    },
    { name: '301 by rule', rates: { preamp: ours('old'), nginx: theirs('old') }, goals: { nginx: 1.2 } },
    {
      name: 'brotli against gzip_static',
      rates: { preamp: ours('4k.html', acceptBrotli), nginx: theirs('4k.html', acceptBrotli) },
      goals: { nginx: 1.1 },
    },
    {
      name: '1,000 rules before the match',
      rates: {
        preamp: asked(edgeWithRules.port, withRules.host, 'wanted'),
        'without rules': ours('4k.html'),
      },
      goals: { 'without rules': 0.9 },
    },
    {
      name: '100,000 files, random paths',
      rates: {
        preamp: asked(edgeOfLarge.port, large.host, '', {}, script(large, 'math.random(0, 99999)')),
        'one of them': asked(edgeOfLarge.port, large.host, '', {}, script(large, '7')),
      },
      goals: { 'one of them': 0.8 },
    },
    {
      name: 'HTTP/2 over TLS, 4 KiB, 100 streams',
      rates: {
        preamp: askedByHttp2(tlsPort, store.host),
        nginx: askedByHttp2(nginxTlsPort, 'localhost'),
        caddy: askedByHttp2(caddyTls.port, 'localhost'),
      },
      goals: { nginx: 1, caddy: 1.5 },
    },
    {
      name: 'reverse proxy',
      rates: {
        preamp: asked(edgeThatProxies.port, proxying.host, 'api/4k.html'),
        nginx: theirs('api/4k.html'),
      },
      goals: { nginx: 0.7 },
    },
  ]
  return { works, edge, nginx, host: store.host }
}

async function run({ works, ...servers }: Awaited<ReturnType<typeof prepare>>): Promise<void> {
  for (const work of works.filter(({ name }) => name.includes(only))) await measure(work)
  if ('p99 latency'.includes(only)) await measureLatency(servers)
  if ('first byte, memory'.includes(only)) await measureColdSites({ sites: 1000, files: 1000 })
}

async function measure({ name, rates, goals }: Work): Promise<void> {
  const seen = Object.fromEntries(Object.keys(rates).map((server) => [server, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    for (const [server, rate] of Object.entries(rates)) seen[server]!.push(await rate())
  }
  for (const [server, list] of Object.entries(seen)) {
    console.log(`${name}: ${server} ${listOf(list)} requests a second`)
  }
  const [own] = Object.values(seen)
  for (const [server, goal] of Object.entries(goals)) {
    const ratio = median(own!) / median(seen[server]!)
    console.log(`${name}: ${ratio.toFixed(2)} of ${server} (claim: at least ${goal})`)
  }
}

/** At half of what the slower of both reaches, so that both get the same load. */
async function measureLatency({
  edge,
  nginx,
  host,
}: Pick<Awaited<ReturnType<typeof prepare>>, 'edge' | 'nginx' | 'host'>): Promise<void> {
  const connections = 32
  const targets = {
    preamp: { port: edge.port, host },
    nginx: { port: nginx.port, host: 'localhost' },
  }
  const load = { path: '4k.html', seconds, core: wrkCore, connections, streams: 1, protocol: 'h1' as const }
  const most = [
    await runH2Load({ ...load, ...targets.preamp }),
    await runH2Load({ ...load, ...targets.nginx }),
  ]
  const half = Math.min(...most.map(({ rate }) => rate)) / 2
  const seen = { preamp: [] as number[], nginx: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    for (const server of ['preamp', 'nginx'] as const) {
      const requestsPerSecond = Math.round(half / connections)
      const { microseconds } = await runH2Load({ ...load, ...targets[server], requestsPerSecond })
      seen[server].push(microseconds[Math.floor(microseconds.length * 0.99)]!)
    }
  }
  const ratio = median(seen.preamp) / median(seen.nginx)
  console.log(
    `p99 latency at ${Math.round(half)} requests a second: preamp ${listOf(seen.preamp)} µs, nginx ${listOf(seen.nginx)} µs, ratio ${ratio.toFixed(2)} (claim: at most 1.2)`,
  )
}

function asked(
  port: number,
  host: string,
  path: string,
  headers: Record<string, string> = {},
  program?: string,
): Measure {
  return () =>
    rateOf({ port, host, path, seconds, headers, ...(program !== undefined && { script: program }) })
}

function askedByHttp2(port: number, host: string): Measure {
  const load = { path: '4k.html', seconds, core: wrkCore, connections: 4, streams: 100 }
  return async () => (await runH2Load({ ...load, port, host, protocol: 'h2-tls' })).rate
}

async function etagOf(port: number, host: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/4k.html`, { headers: { host } })
  await response.body?.cancel()
  return response.headers.get('etag')!
}

/** Sources of all kinds that do not match, and the last that does. */
function manyRules(count: number): object[] {
  const kinds = [
    (number: number) => `/old/page-${number}`,
    (number: number) => `/old-${number}/<*>`,
    (number: number) => `/blog/<year>/post-${number}`,
  ]
  const others = Array.from({ length: count }, (_, number) => ({
    source: kinds[number % kinds.length]!(number),
    target: '/elsewhere',
    status: '301',
  }))
  return [...others, { source: '/wanted', target: '/4k.html', status: '200' }]
}

function manyFiles(count: number): Record<string, Uint8Array> {
  const page = text(4 * KiB)
  return Object.fromEntries(Array.from({ length: count }, (_, number) => [`section/${number}.html`, page]))
}

function script({ folder }: SiteStore, number: string): string {
  const path = join(folder, `ask-${number.length}.lua`)
  writeFileSync(
    path,
    `request = function() return wrk.format(nil, "/section/" .. ${number} .. ".html") end\n`,
  )
  return path
}
