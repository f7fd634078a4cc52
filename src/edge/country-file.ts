import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'

import { type CountryResponse, Reader } from 'mmdb-lib'

import { unmappedAddress } from '../model/addresses.ts'

/** The file holds no countries that can be looked up. Its message names the file and the reason. */
export class UnusableCountryFile extends Error {}

/** Zero bytes between the tree and the data (MaxMind DB File Format Specification 2.0). */
const separatorBytes = 16

/**
 * Opens a file of countries by address in MaxMind's format (GeoLite2 Country, DB-IP and the like).
 * @returns tells the country of an address: ISO 3166-1 alpha-2
 * @throws {UnusableCountryFile}
 */
export function openCountryFile(path: string): (address: string) => string | undefined {
  const reader = openReader(path, readBytes(path))
  const isIPv4Only = reader.metadata.ipVersion === 4
  return (address) => {
    const asked = unmappedAddress(address)
    // The reader would walk a tree of IPv4 addresses by the first bits of an IPv6 address.
    if (isIPv4Only && isIPv6(asked)) return undefined
    return reader.get(asked)?.country?.iso_code
  }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UnusableCountryFile(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function openReader(path: string, bytes: Buffer): Reader<CountryResponse> {
  try {
    const reader = new Reader<CountryResponse>(bytes)
    if (reader.metadata.searchTreeSize + separatorBytes > bytes.length)
      throw new Error('its beginning is missing')
    return reader
  } catch (error) {
    throw new UnusableCountryFile(
      `${path} holds no countries in MaxMind’s format: it must be an .mmdb file, whole and unpacked`,
      { cause: error },
    )
  }
}
