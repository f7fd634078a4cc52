import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'

import { GenerateAccessLogsCommand } from '@aws-sdk/client-amplify'

import { type LoggedRequest, parseAccessLog } from '../support/access-log.ts'
import { freePorts } from '../support/free-ports.ts'
import { runCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { getRaw } from '../support/raw-http.ts'
import { waitFor } from '../support/wait-for.ts'

/** Sites by HTTPS and HTTP/2 through a whole server, whose certificate is renewed while it is at work. */

const fixtures = join(import.meta.dir, '../fixtures/tls')
const folder = mkdtempSync(join(tmpdir(), 'preamp-tls-'))
const [certFile, keyFile] = [join(folder, 'site.crt'), join(folder, 'site.key')]
const [tlsPort, plainPort] = freePorts(2) as [number, number]

let preamp: TestPreamp
let site: PublishedSite

beforeAll(async () => {
  install('localhost')
  preamp = await startPreamp({
    environment: {
      PREAMP_TLS_CERT_FILE: certFile,
      PREAMP_TLS_KEY_FILE: keyFile,
      PREAMP_SITES_TLS_PORT: String(tlsPort),
      PREAMP_SITES_URL: `https://localhost:${tlsPort}`,
      PREAMP_HTTP2: 'all',
      PREAMP_DRAIN_SECONDS: '1',
    },
    sitesPort: plainPort,
  })
  site = await createPublishedSite(preamp)
  // A job asks for its site as a visitor would: this one did so by HTTPS.
  await site.publish({ 'index.html': '<h1>Home</h1>', 'about.html': '<h1>About</h1>' })
})
afterAll(async () => {
  await preamp.stop()
  rmSync(folder, { recursive: true })
})

function install(name: string): void {
  copyFileSync(join(fixtures, `${name}.crt`), certFile)
  copyFileSync(join(fixtures, `${name}.key`), keyFile)
}

/** Asks one address by HTTP/2, with TLS or without. */
async function visitByHttp2(origin: string, path: string): Promise<{ status: number; body: string }> {
  const session = connectHttp2(origin, { rejectUnauthorized: false })
  try {
    return await askByHttp2(session, path)
  } finally {
    session.close()
  }
}

function askByHttp2(session: ClientHttp2Session, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    session.on('error', reject)
    const stream = session.request({ ':path': path, ':authority': site.host })
    let status = 0
    let body = ''
    stream.on('response', (headers) => (status = Number(headers[':status'])))
    stream.on('data', (bytes: Buffer) => (body += bytes.toString()))
    stream.on('end', () => resolve({ status, body }))
    stream.on('error', reject)
  })
}

const visitByTls = (path: string, init: RequestInit = {}) =>
  fetch(`https://127.0.0.1:${tlsPort}${path}`, {
    redirect: 'manual',
    ...init,
    headers: { host: site.host, ...(init.headers as Record<string, string>) },
    tls: { rejectUnauthorized: false },
  } as RequestInit)

/** As visitors name the site who know of no HTTPS. */
const plainHost = () => site.host.replace(/:.*/, '')

/** Common name of the certificate that a visitor is shown now. */
function shownCertificate(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: tlsPort, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('a site is served by HTTPS, with HTTP/1.1 and HTTP/2, and by HTTP/2 without TLS', async () => {
  expect(await (await visitByTls('/about')).text()).toBe('<h1>About</h1>')
  const answer = { status: 200, body: '<h1>About</h1>' }
  expect(await visitByHttp2(`https://127.0.0.1:${tlsPort}`, '/about')).toEqual(answer)
})

test('a folder is deployed, and its addresses are printed as visitors reach them', async () => {
  const files = join(folder, 'files')
  mkdirSync(files)
  writeFileSync(join(files, 'index.html'), '<h1>Deployed</h1>')
  const deployed = await runCommand(preamp.dataDir, 'deploy', files, '--app', 'deployed')
  expect(deployed.output).toMatch(new RegExp(`^https://main\\.d[a-z0-9]+\\.localhost:${tlsPort}\n$`))
  expect(deployed.errors).toMatch(new RegExp(`stays at https://main--1\\.d[a-z0-9]+\\.localhost:${tlsPort} `))
  const { host, hostname } = new URL(deployed.output.trim())
  expect(await (await visitByTls('/', { headers: { host } })).text()).toBe('<h1>Deployed</h1>')
  const appId = hostname.split('.')[1]!
  const list = await runCommand(preamp.dataDir, 'rollback', appId, 'main', '--list')
  expect(list.output).toContain(/https:\S+/.exec(deployed.errors)![0])
})

describe('plain HTTP', () => {
  test.each([
    ['/', '/'],
    ['/a%20b/?x=1&y=https://evil.example/', '/a%20b/?x=1&y=https://evil.example/'],
    ['//evil.example/x', '//evil.example/x'],
    ['http://evil.example/x', '/x'],
  ])('%s is sent to the same address by HTTPS', async (target, path) => {
    const { status, headers } = await getRaw(plainPort, plainHost(), target)
    expect([status, headers['location']]).toEqual([301, `https://${site.host}${path}`])
  })

  test('keeps the method of what is more than read', async () => {
    const response = await fetch(`http://127.0.0.1:${plainPort}/form`, {
      method: 'POST',
      body: 'a=b',
      redirect: 'manual',
      headers: { host: plainHost() },
    })
    expect(response.status).toBe(307)
  })

  test('is sent on by HTTP/2 as well', async () => {
    expect((await visitByHttp2(`http://127.0.0.1:${plainPort}`, '/')).status).toBe(301)
  })

  test('of a host that is nobody\u2019s leads nowhere', async () => {
    expect((await getRaw(plainPort, 'evil.example', '/')).status).toBe(404)
  })
})

test('a new certificate in the files is shown soon, and no request fails meanwhile', async () => {
  expect(await shownCertificate()).toBe('Preamp test')
  const before = connectHttp2(`https://127.0.0.1:${tlsPort}`, { rejectUnauthorized: false })
  const goneAway = new Promise((resolve) => before.on('goaway', (code: number) => resolve(code)))
  // Half of a renewal: what does not fit is not shown.
  copyFileSync(join(fixtures, 'renewed.crt'), certFile)
  await waitFor('the mistake to be logged', 20, () => preamp.output().includes('cannot be read again'))
  expect(await shownCertificate()).toBe('Preamp test')
  copyFileSync(join(fixtures, 'renewed.key'), keyFile)
  let visits = 0
  await waitFor('the new certificate', 20, async () => {
    expect((await visitByTls('/about')).status).toBe(200)
    visits += 1
    return (await shownCertificate()) === 'renewed'
  })
  expect(visits).toBeGreaterThan(0)
  // Who holds a connection is answered on it until it is told to go.
  expect((await askByHttp2(before, '/about')).status).toBe(200)
  expect(await goneAway).toBe(0)
  before.close()
}, 60_000)

const shown = ({ 'cs-protocol': scheme, 'cs-protocol-version': version }: LoggedRequest) => [scheme, version]

test('the access log tells the scheme, and the protocol where that is known', async () => {
  await getRaw(plainPort, plainHost(), '/log-plain')
  await visitByTls('/log-tls', { headers: { connection: 'keep-alive' } })
  await visitByHttp2(`https://127.0.0.1:${tlsPort}`, '/log-http2')
  const { logUrl } = await preamp.client.send(
    new GenerateAccessLogsCommand({ appId: site.appId, domainName: site.host.replace(/:.*/, '') }),
  )
  const lines = parseAccessLog(await (await fetch(logUrl!)).text())
  const of = (path: string) => shown(lines.find((line) => line['cs-uri-stem'] === path)!)
  expect(of('/log-plain')).toEqual(['http', 'HTTP/1.1'])
  expect(of('/log-tls')).toEqual(['https', 'HTTP/1.1'])
  expect(of('/log-http2')).toEqual(['https', '-'])
})
