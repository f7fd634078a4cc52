import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { countryFile } from '../../test/support/country-file.ts'
import { openCountryFile } from './country-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'preamp-country-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a file of IPv4 alone knows nothing of IPv6', () => {
  const file = join(folder, 'ipv4.mmdb')
  // 32.1.13.184 has the same first bits as 2001:db8::.
  writeFileSync(file, countryFile([['32.1.13.184/32', 'US']], 4))
  const countryOf = openCountryFile(file)
  expect(countryOf('32.1.13.184')).toBe('US')
  expect(countryOf('::ffff:32.1.13.184')).toBe('US')
  expect(countryOf('2001:db8::')).toBeUndefined()
})
