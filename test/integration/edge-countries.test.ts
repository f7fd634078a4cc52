import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { countryFile } from '../support/country-file.ts'
import { startCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'

/** Rules for countries where PREAMP_COUNTRY_FILE tells the country of an address. */

const folder = mkdtempSync(join(tmpdir(), 'preamp-countries-'))
const file = join(folder, 'countries.mmdb')
const countries = countryFile([
  ['192.0.2.0/24', 'US'],
  ['198.51.100.0/24', 'DE'],
  ['2001:db8:1::/48', 'US'],
  ['2001:db8:2::/48', 'DE'],
])
afterAll(() => rmSync(folder, { recursive: true }))

describe('a rule for visitors of the US', () => {
  let preamp: TestPreamp
  let site: PublishedSite
  beforeAll(async () => {
    writeFileSync(file, countries)
    preamp = await startPreamp({
      environment: { PREAMP_TRUSTED_PROXIES: '127.0.0.1', PREAMP_COUNTRY_FILE: file },
    })
    site = await createPublishedSite(preamp)
    await site.publish({ 'index.html': '<h1>Home</h1>', 'us/index.html': '<h1>Howdy</h1>' })
    await site.setRules({ source: '/', target: '/us/', status: '302', condition: '<US>' })
  })
  afterAll(() => preamp.stop())

  test.each([
    ['an IPv4 address of the US', '192.0.2.7', 302],
    ['one of Germany', '198.51.100.7', 200],
    ['one of no country', '203.0.113.7', 200],
    ['an IPv6 address of the US', '2001:db8:1::7', 302],
    ['one of Germany, by IPv6', '2001:db8:2::7', 200],
    ['one of no country, by IPv6', '2001:db8:3::7', 200],
    ['an IPv4-mapped address of the US', '::ffff:192.0.2.7', 302],
    ['the same in hexadecimal', '::ffff:c000:207', 302],
    ['an IPv4-mapped address of Germany', '::ffff:198.51.100.7', 200],
    ['whoever claims to pass on somebody of the US', '192.0.2.7, 198.51.100.7', 200],
    ['the proxy itself', '', 200],
    ['what is no address', 'US', 200],
  ])('%s', async (_name, chain, status) => {
    const response = await site.visit('/', { headers: { 'x-forwarded-for': chain } })
    expect(response.status).toBe(status)
  })
})

describe('a server does not start with', () => {
  test.each<[string, Buffer | undefined, string]>([
    ['a file that is not there', undefined, 'cannot be read: ENOENT'],
    ['an empty file', Buffer.alloc(0), 'holds no countries'],
    ['a file of another form', Buffer.from('<h1>Sign in</h1>'.repeat(99)), 'holds no countries'],
    ['a packed file', Buffer.from(Bun.gzipSync(new Uint8Array(countries))), 'holds no countries'],
    ['a file without its end', countries.subarray(0, -40), 'holds no countries'],
    ['a file without its beginning', countries.subarray(-200), 'holds no countries'],
  ])('%s', async (name, bytes, reason) => {
    const path = join(folder, `${name}.mmdb`)
    if (bytes) writeFileSync(path, bytes)
    const words = ['serve', '--api-port', '0', '--sites-port', '0', '--country-file', path]
    const child = startCommand(join(folder, 'data'), ...words)
    const errors = await child.stderr.text()
    expect(errors).toStartWith(`${path} ${reason}`)
    expect(errors).toContain('See PREAMP_COUNTRY_FILE.')
    expect(errors.trim().split('\n')).toHaveLength(1)
    expect(await child.exited).toBe(2)
  })
})
