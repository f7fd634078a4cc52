import { readFileSync } from 'node:fs'

import { type CountryResponse, Reader } from 'mmdb-lib'

/**
 * Opens a file of countries by address in MaxMind's format (GeoLite2 Country, DB-IP and the like).
 * @returns tells the country of an address: ISO 3166-1 alpha-2
 * @throws when the file cannot be read or has another form
 */
export function openCountryFile(path: string): (address: string) => string | undefined {
  const reader = new Reader<CountryResponse>(readFileSync(path))
  return (address) => {
    const carried = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
    return reader.get(carried)?.country?.iso_code
  }
}
