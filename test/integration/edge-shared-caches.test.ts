import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { explainedAt, sentHeaders, toldHeaders } from '../support/explained.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'

/** What a cache between a site and its visitors is allowed to keep for all of them. */

const forAll = 'public, max-age=0, s-maxage=31536000'
const forOne = 'private, max-age=0'

let preamp: TestPreamp
let site: PublishedSite
let upstream: Bun.Server<undefined>
beforeAll(async () => {
  upstream = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch({ url }) {
      const said = new URL(url).searchParams.get('said')
      return new Response('upstream', { headers: said === null ? {} : { 'cache-control': said } })
    },
  })
  preamp = await startPreamp({
    environment: {
      PREAMP_PROXY_HTTP: 'true',
      PREAMP_TRUSTED_PROXIES: '127.0.0.1',
      PREAMP_COUNTRY_HEADER: 'cf-ipcountry',
    },
  })
  site = await createPublishedSite(preamp)
  await site.publish({ 'index.html': 'home', 'docs/index.html': 'docs', 'own.js': 'let a = 1' })
  const everything = `http://127.0.0.1:${upstream.port}/<*>`
  await site.setRules(['/old', '/docs/', '301'], ['/api/<*>', everything, '200'])
})
afterAll(async () => {
  await preamp.stop()
  await upstream.stop(true)
})

async function cacheControlOf(path: string, headers: Record<string, string> = {}) {
  return (await site.visit(path, { headers })).headers.get('cache-control')
}

describe('a site that not everybody sees', () => {
  const authorization = `Basic ${btoa('user:password')}`

  const asVisitor = (path: string) => cacheControlOf(path, { authorization })
  const restrictions: [string, () => Promise<void>, () => Promise<void>][] = [
    [
      'by a password',
      () => site.updateApp({ enableBasicAuth: true, basicAuthCredentials: btoa('user:password') }),
      () => site.updateApp({ enableBasicAuth: false }),
    ],
    [
      'by an address list',
      () => site.setOptions({ allowedAddresses: '127.0.0.0/8' }),
      () => site.setOptions({ allowedAddresses: '' }),
    ],
    [
      'by a list of those who do not',
      () => site.setOptions({ deniedAddresses: '192.0.2.0/24' }),
      () => site.setOptions({ deniedAddresses: '' }),
    ],
  ]
  test.each(restrictions)('%s', async (_name, restrict, open) => {
    expect(await cacheControlOf('/')).toBe(forAll)
    await restrict()
    const page = await site.visit('/', { headers: { authorization } })
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, forOne])
    const etag = page.headers.get('etag')!
    const known = await site.visit('/', { headers: { authorization, 'if-none-match': etag } })
    expect([known.status, known.headers.get('cache-control')]).toEqual([304, forOne])
    for (const path of ['/old', '/docs']) {
      const redirected = await site.visit(path, { headers: { authorization } })
      expect([redirected.status, redirected.headers.get('cache-control')]).toEqual([301, forOne])
    }
    await open()
    expect([await cacheControlOf('/'), await cacheControlOf('/old')]).toEqual([forAll, forAll])
  })

  test('its owner may say otherwise of files; what servers behind rules say is kept for the visitor alone', async () => {
    await site.updateApp({
      enableBasicAuth: true,
      basicAuthCredentials: btoa('user:password'),
      customHeaders:
        "customHeaders:\n  - pattern: '*.js'\n    headers: [{ key: Cache-Control, value: max-age=60 }]\n",
    })
    expect(await asVisitor('/own.js')).toBe('max-age=60')
    expect(await asVisitor('/api/x?said=')).toBe(forOne)
    expect(await asVisitor('/api/x?said=public,%20max-age=60,%20S-MaxAge=600')).toBe('private, max-age=60')
    expect(await asVisitor('/api/x?said=no-store')).toBe('no-store')
    expect(await asVisitor('/api/x?said=private,%20no-cache')).toBe('private, no-cache')
    await site.updateApp({ enableBasicAuth: false })
    expect(await asVisitor('/api/x?said=public,%20max-age=60')).toBe('public, max-age=60')
    expect(await asVisitor('/api/x')).toBe(null)
  })
})

describe('an answer that depends on who asks', () => {
  beforeAll(() =>
    site.setRules(
      { source: '/', target: '/docs/', status: '302', condition: '<US>' },
      { source: '/api', target: `http://127.0.0.1:${upstream.port}/`, status: '200', condition: '<US>' },
      ['/old', '/docs/', '301'],
    ),
  )

  test.each([
    ['/', 'US', 302, forOne],
    ['/', 'DE', 200, forOne],
    ['/api', 'US', 200, forOne],
    ['/api', 'DE', 301, forOne],
    ['/old', 'US', 301, forAll],
    ['/docs/', 'US', 200, forAll],
  ])('%s from %s', async (path, country, status, cacheControl) => {
    for (let visits = 0; visits < 2; visits++) {
      const response = await site.visit(path, { headers: { 'cf-ipcountry': country } })
      expect([response.status, response.headers.get('cache-control')]).toEqual([status, cacheControl])
      if (path === '/api' && country === 'US') continue
      const explained = await explainedAt(preamp, `http://${site.host}${path}`, ['country', country])
      expect(toldHeaders(explained)).toMatchObject({ 'cache-control': cacheControl })
    }
  })

  test('by a header, of which explain tells the same', async () => {
    await site.setOptions({ headerConditions: true })
    await site.setRules({
      source: '/docs',
      target: '/de/',
      status: '301',
      condition: '<accept-language: de*>',
    })
    for (const language of ['de', 'en']) {
      const headers = { 'accept-language': language, 'accept-encoding': 'identity' }
      const response = await site.visit('/docs', { headers })
      expect(response.headers.get('location')).toBe(language === 'de' ? '/de/' : '/docs/')
      expect(response.headers.get('cache-control')).toBe(forOne)
      const explained = await explainedAt(preamp, `http://${site.host}/docs`, [
        'header',
        `accept-language: ${language}`,
      ])
      expect(toldHeaders(explained)).toEqual(sentHeaders(response))
    }
    await site.setOptions({ headerConditions: '' })
  })
})
