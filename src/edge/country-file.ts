import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'

import { Reader, type Response } from 'mmdb-lib'
import type { Logger } from 'pino'

import { unmappedAddress } from '../model/addresses.ts'

/** The file holds no countries that can be looked up. Its message names the file, the reason and what to do. */
export class UnusableCountryFile extends Error {}

/** Country of an address: ISO 3166-1 alpha-2. It never throws. */
export type CountryOf = (address: string) => string | undefined

/** Zero bytes between the tree and the data (MaxMind DB File Format Specification 2.0). */
const separatorBytes = 16

/** Networks that are looked at before a file is taken for one without countries: of one that has some, a few are enough. */
const probedNetworksMax = 100_000

/**
 * Opens a file of countries by address in MaxMind's format (GeoLite2 Country, DB-IP, IPinfo and the like).
 * @param log is told once where a country cannot be read: such a file is damaged, and its visitors are from nowhere known
 * @throws {UnusableCountryFile}
 */
export function openCountryFile(path: string, log: Logger): CountryOf {
  const reader = openReader(path, readBytes(path))
  probe(path, reader)
  const isIPv4Only = reader.metadata.ipVersion === 4
  let isTold = false
  return (address) => {
    const asked = unmappedAddress(address)
    // The reader would walk a tree of IPv4 addresses by the first bits of an IPv6 address.
    if (isIPv4Only && isIPv6(asked)) return undefined
    try {
      return countryIn(reader.get(asked))
    } catch (error) {
      if (!isTold) log.error({ err: error, file: path }, damagedMessage)
      isTold = true
      return undefined
    }
  }
}

const damagedMessage =
  'the file of countries is damaged, and rules for countries miss visitors; put a whole one in its place and restart'

/**
 * The same for who must go on where the file has become unusable since the server started.
 * @returns undefined for a file that is, which the log is told
 */
export function openCountryFileIfUsable(path: string, log: Logger): CountryOf | undefined {
  try {
    return openCountryFile(path, log)
  } catch (error) {
    if (!(error instanceof UnusableCountryFile)) throw error
    log.error(
      { err: error, file: path },
      'the file of countries cannot be used, and rules for countries miss all visitors',
    )
    return undefined
  }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UnusableCountryFile(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function openReader(path: string, bytes: Buffer): Reader<Response> {
  try {
    const reader = new Reader<Response>(bytes)
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

/**
 * Looks for one country, network by network. There are files of cities, networks and providers in the same format, by which no rule
 * would ever match.
 */
function probe(path: string, reader: Reader<Response>): void {
  const bits = reader.metadata.ipVersion === 4 ? 32 : 128
  const fields = new Set<string>()
  let address = 0n
  for (let looked = 0; looked < probedNetworksMax && address < 1n << BigInt(bits); looked++) {
    const [record, prefixBits] = lookUp(path, reader, addressText(address, bits))
    if (countryIn(record) !== undefined) return
    for (const field of fieldsOf(record)) fields.add(field)
    address += 1n << BigInt(bits - prefixBits)
  }
  const has = fields.size === 0 ? 'nothing' : [...fields].toSorted().slice(0, 10).join(', ')
  throw new UnusableCountryFile(
    `${path} holds no countries: its records have ${has}, and neither country.iso_code, country_code nor country with two letters. Take a file of countries, such as GeoLite2 Country`,
  )
}

function lookUp(
  path: string,
  reader: Reader<Response>,
  address: string,
): [record: unknown, prefixBits: number] {
  try {
    return reader.getWithPrefixLength(address)
  } catch (error) {
    throw new UnusableCountryFile(
      `${path} is damaged: what it says of ${address} cannot be read. Download it anew`,
      { cause: error },
    )
  }
}

function addressText(number: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((place) => (number >> place) & 255n).join('.')
  return number
    .toString(16)
    .padStart(32, '0')
    .replaceAll(/.{4}(?!$)/g, '$&:')
}

/** As MaxMind has it, or in one of the flat forms of others: the code in `country_code`, or in `country` itself. */
function countryIn(record: unknown): string | undefined {
  if (!isMap(record)) return undefined
  const { country, country_code: code } = record
  return [isMap(country) ? country['iso_code'] : country, code].find(isCountryCode)?.toUpperCase()
}

const fieldsOf = (record: unknown): string[] => (isMap(record) ? Object.keys(record) : [])

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCountryCode(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z]{2}$/i.test(value)
}
