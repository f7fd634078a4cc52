import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { countryFile } from '../support/country-file.ts'
import { explainedAt } from '../support/explained.ts'
import { startCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { waitFor } from '../support/wait-for.ts'

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

/** Its first record claims to be of a type that there is not. */
function unreadable(): Buffer {
  const bytes = Buffer.from(countries)
  bytes.writeUInt16BE(0x00ff, bytes.indexOf('country') - 2)
  return bytes
}

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

describe('a file of countries that is damaged', () => {
  const damaged = join(folder, 'damaged.mmdb')
  let preamp: TestPreamp
  let site: PublishedSite
  beforeAll(async () => {
    const bytes = Buffer.from(countries)
    // The last record, of Germany by IPv6, claims to be of a type that there is not.
    bytes.writeUInt16BE(0x00ff, bytes.lastIndexOf('country') - 2)
    writeFileSync(damaged, bytes)
    preamp = await startPreamp({
      environment: { PREAMP_TRUSTED_PROXIES: '127.0.0.1', PREAMP_COUNTRY_FILE: damaged },
    })
    site = await createPublishedSite(preamp)
    await site.publish({ 'index.html': '<h1>Home</h1>' })
    await site.setRules({ source: '/', target: '/us/', status: '302', condition: '<US>' })
  })
  afterAll(() => preamp.stop())

  const statusFrom = async (address: string) =>
    (await site.visit('/', { headers: { 'x-forwarded-for': address } })).status
  /** Once it is there at all. */
  const timesLogged = (message: string) =>
    waitFor('the log', 10, () => preamp.output().split(message).length - 1 || undefined)

  test('fails no request: a visitor of whom it cannot tell is from nowhere known, which is logged once', async () => {
    for (let time = 0; time < 3; time++) expect(await statusFrom('2001:db8:2::7')).toBe(200)
    expect(await statusFrom('192.0.2.7')).toBe(302)
    expect(await timesLogged('the file of countries is damaged')).toBe(1)
    expect(preamp.output()).toContain(damaged)
    // Whoever asks why is not failed by it, either.
    const { country, answer } = await explainedAt(preamp, `http://${site.host}/`, [
      'address',
      '2001:db8:2::7',
    ])
    expect([country, answer.status]).toEqual([undefined, 200])
  })

  test('since the server started is no reason for a new edge not to serve', async () => {
    writeFileSync(damaged, 'half a file')
    const [pid] = preamp.edgePids() as [number]
    process.kill(pid, 'SIGKILL')
    await waitFor('another edge', 30, () => preamp.edgePids().some((other) => other !== pid))
    const status = await waitFor('an answer', 10, () => statusFrom('192.0.2.7').catch(() => undefined))
    expect(status).toBe(200)
    expect(await timesLogged('the file of countries cannot be used')).toBe(1)
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
    [
      'a file of providers',
      countryFile([['192.0.2.0/24', 'Example']], 6, (organization) => ({ organization })),
      'holds no countries: its records have organization, and neither country.iso_code, country_code nor country with two letters. Take a file of countries, such as GeoLite2 Country.',
    ],
    ['a file whose records cannot be read', unreadable(), 'is damaged: what it says of '],
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
