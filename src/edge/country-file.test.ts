import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { pino } from 'pino'

import { countryFile, type CountryRecord } from '../../test/support/country-file.ts'
import { openCountryFile, UnusableCountryFile } from './country-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'preamp-country-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const log = pino({ level: 'silent' })

function open(bytes: Buffer) {
  const file = join(folder, 'countries.mmdb')
  writeFileSync(file, bytes)
  return openCountryFile(file, log)
}

test('a file of IPv4 alone knows nothing of IPv6', () => {
  // 32.1.13.184 has the same first bits as 2001:db8::.
  const countryOf = open(countryFile([['32.1.13.184/32', 'US']], 4))
  expect(countryOf('32.1.13.184')).toBe('US')
  expect(countryOf('::ffff:32.1.13.184')).toBe('US')
  expect(countryOf('2001:db8::')).toBeUndefined()
})

test.each<[string, (country: string) => CountryRecord]>([
  ['MaxMind', (country) => ({ continent: { code: 'EU' }, country: { iso_code: country } })],
  ['country_code', (country) => ({ country_code: country })],
  ['country_code, beside the name', (country) => ({ country: 'Germany', country_code: country })],
  ['country', (country) => ({ country, country_name: 'Germany' })],
  ['small letters', (country) => ({ country: country.toLowerCase() })],
])('a country is read in the form of %s', (_, recordOf) => {
  const countries: [string, string][] = [
    ['192.0.2.0/24', 'DE'],
    ['2001:db8::/32', 'US'],
  ]
  const countryOf = open(countryFile(countries, 6, recordOf))
  expect(['192.0.2.1', '198.51.100.1', '2001:db8::1'].map(countryOf)).toEqual(['DE', undefined, 'US'])
})

test('a network without a country has none, whatever is said of it in its place', () => {
  const countryOf = open(
    countryFile(
      [
        ['192.0.2.0/24', 'DE'],
        ['198.51.100.0/24', '-'],
      ],
      4,
      (country) => ({ country }),
    ),
  )
  expect(['192.0.2.1', '198.51.100.1'].map(countryOf)).toEqual(['DE', undefined])
})

test.each<[string, [string, string][], (country: string) => CountryRecord, string]>([
  [
    'providers',
    [['192.0.2.0/24', 'DE']],
    (name) => ({ as_organization: name, number: '1' }),
    'its records have as_organization, number, and',
  ],
  ['names', [['2001:db8::/32', 'Germany']], (country) => ({ country }), 'its records have country, and'],
  ['nothing', [], (country) => ({ country }), 'its records have nothing, and'],
])('a file of %s is refused', (_, networks, recordOf, reason) => {
  expect(() => open(countryFile(networks, 6, recordOf))).toThrow(UnusableCountryFile)
  expect(() => open(countryFile(networks, 6, recordOf))).toThrow(reason)
})
