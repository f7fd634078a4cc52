import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'

import { explainedAt, toldHeaders } from '../support/explained.ts'
import { freePorts } from '../support/free-ports.ts'
import { runCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'

/** Who is sent to HTTPS: as explain says it, held against what the site does. */

const tls = join(import.meta.dir, '../fixtures/tls/localhost')
const [plainPort, tlsPort] = freePorts(2) as [number, number]

let preamp: TestPreamp
let site: PublishedSite

function serving(environment: Record<string, string>): void {
  beforeAll(async () => {
    preamp = await startPreamp({
      environment: { PREAMP_SITES_URL: `https://localhost:${tlsPort}`, ...environment },
      sitesPort: plainPort,
    })
    site = await createPublishedSite(preamp)
  })
  afterAll(() => preamp.stop())
}

/** Asks by plain HTTP, and what explain says of the same visit. */
async function compare(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(`http://127.0.0.1:${plainPort}${path}`, {
    method,
    redirect: 'manual',
    headers: { host: site.host, ...headers },
  })
  const lines = Object.entries(headers).map((pair) => ['header', pair.join(': ')])
  const { https } = await explainedAt(preamp, `http://${site.host}${path}`, ['method', method], ...lines)
  const location = response.headers.get('location') ?? undefined
  expect(https?.redirect).toEqual(location === undefined ? undefined : { status: response.status, location })
  return https!
}

const byHttps = (path: string, ...more: string[][]) =>
  explainedAt(preamp, `https://${site.host}${path}`, ...more)

describe('where TLS ends at the edges', () => {
  serving({
    PREAMP_TLS_CERT_FILE: `${tls}.crt`,
    PREAMP_TLS_KEY_FILE: `${tls}.key`,
    PREAMP_SITES_TLS_PORT: `${tlsPort}`,
  })

  test('who comes by plain HTTP is sent to HTTPS, before anything else', async () => {
    await site.updateApp({ enableBasicAuth: true, basicAuthCredentials: btoa('user:password') })
    expect(await compare('/a%20b?x=1')).toEqual({
      scheme: 'http',
      redirect: { status: 301, location: `https://${site.host}/a%20b?x=1` },
      reason: 'Who comes by plain HTTP is sent to the same address by HTTPS.',
    })
    expect((await compare('/', {}, 'POST')).redirect?.status).toBe(307)
    // Nobody stands in front whose word is taken.
    expect((await compare('/', { 'x-forwarded-proto': 'https' })).redirect?.status).toBe(301)
    const { output } = await runCommand(preamp.dataDir, 'explain', `http://${site.host}/`)
    expect(output).toContain(
      `HTTPS       301 to https://${site.host}/. Who comes by plain HTTP is sent to the same address by HTTPS.\n`,
    )
    expect(output).toContain(
      '  For this visitor 301 and no more. By HTTPS:\n  For this visitor 401 and no more. For who is let in:\n',
    )
    await site.updateApp({ enableBasicAuth: false })
  })

  test('who comes by HTTPS is sent nowhere', async () => {
    expect((await byHttps('/')).https).toEqual({
      scheme: 'https',
      redirect: undefined,
      reason: 'Who comes by HTTPS is sent nowhere.',
    })
  })

  test('the cookie of a page is the one that HTTPS gets, also for who is sent there', async () => {
    await site.updateBranch({ enableSkewProtection: true })
    await site.publish({ 'index.html': 'home' })
    const sent = await fetch(`https://127.0.0.1:${tlsPort}/`, {
      headers: { host: site.host },
      tls: { rejectUnauthorized: false },
    })
    for (const scheme of ['http', 'https']) {
      const explanation = await explainedAt(preamp, `${scheme}://${site.host}/`)
      expect(toldHeaders(explanation)['set-cookie']).toBe(sent.headers.get('set-cookie')!)
    }
  })
})

describe('behind a proxy that ends TLS', () => {
  serving({ PREAMP_TRUSTED_PROXIES: '127.0.0.1' })

  test('what it tells decides', async () => {
    expect(await compare('/', { 'x-forwarded-proto': 'http' })).toMatchObject({
      scheme: 'http',
      redirect: { status: 301 },
      reason: 'Who comes by plain HTTP is sent to the same address by HTTPS.',
    })
    expect((await compare('/', { 'x-forwarded-proto': 'https' })).scheme).toBe('https')
    expect(await compare('/', { 'x-forwarded-proto': 'https, http' })).toEqual({
      reason: 'X-Forwarded-Proto tells neither http nor https: nobody is sent anywhere.',
    } as never)
  })

  test('where the question does not say what it tells, the URL does, and that is said', async () => {
    const { https } = await explainedAt(preamp, `http://${site.host}/`)
    expect(https?.redirect?.status).toBe(301)
    expect(https?.reason).toEndWith(
      'That it is http comes from the URL; a trusted proxy has to tell it in X-Forwarded-Proto.',
    )
    expect((await byHttps('/')).https).toMatchObject({
      scheme: 'https',
      reason: expect.stringContaining('That it is https comes from the URL'),
    })
  })
})

describe('behind a proxy that nobody told the server of', () => {
  serving({})

  test('nobody is sent anywhere, and why', async () => {
    expect((await compare('/', { 'x-forwarded-proto': 'http' })).reason).toBe(
      'Nothing tells whether the visitor comes by HTTPS, as TLS does not end here: nobody is sent anywhere. A trusted proxy may tell it in X-Forwarded-Proto (PREAMP_TRUSTED_PROXIES).',
    )
    expect((await byHttps('/')).https?.scheme).toBeUndefined()
  })
})
