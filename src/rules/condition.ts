import { RuleIgnored } from './source.ts'

/** Of whom a rule speaks (contract/hosting-behaviour.md §5.3). */
export type RuleCondition =
  /** Visitors from there: ISO 3166-1 alpha-2, in upper case. */
  | { country: string }
  /** Beyond AWS: who sends a header with a value that is this, with `*` and `?`. Absent is empty. */
  | { header: string; value: string }

/**
 * @param headers whether conditions may ask for headers
 * @throws {RuleIgnored} for a text that is no condition
 */
export function parseCondition(text: string | null | undefined, headers: boolean): RuleCondition | undefined {
  const written = text?.trim()
  if (!written) return undefined
  const country = /^<([a-z]{2})>$/i.exec(written)?.[1]
  if (country !== undefined) return { country: country.toUpperCase() }
  const [, header, value] = /^<([\w-]+):\s*(.*)>$/.exec(written) ?? []
  if (header === undefined || value === undefined) {
    throw new RuleIgnored(`Its condition ${written} is no country, as <US> is.`)
  }
  if (!headers) {
    throw new RuleIgnored(
      'Its condition asks for a header, which counts only with the option headerConditions of the app.',
    )
  }
  return { header: header.toLowerCase(), value }
}
