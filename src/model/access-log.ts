/**
 * What access logs look like, for the edge that writes them and the API that hands them out: a file of CSV lines for each
 * hour, app and edge process, in the columns of CloudFront's standard log (contract/hosting-behaviour.md §8.2).
 */
const columns = [
  'date',
  'time',
  'x-edge-location',
  'sc-bytes',
  'c-ip',
  'cs-method',
  'cs(Host)',
  'cs-uri-stem',
  'sc-status',
  'cs(Referer)',
  'cs(User-Agent)',
  'cs-uri-query',
  'cs(Cookie)',
  'x-edge-result-type',
  'x-edge-request-id',
  'x-host-header',
  'cs-protocol',
  'cs-bytes',
  'time-taken',
  'x-forwarded-for',
  'ssl-protocol',
  'ssl-cipher',
  'x-edge-response-result-type',
  'cs-protocol-version',
  'fle-status',
  'fle-encrypted-fields',
  'c-port',
  'time-to-first-byte',
  'x-edge-detailed-result-type',
  'sc-content-type',
  'sc-content-len',
  'sc-range-start',
  'sc-range-end',
] as const

/** The first line of a download, without a newline. AWS escapes the parentheses (contract/api-behaviour.md §9). */
export const accessLogHeader = columns.map((column) => column.replace(/[()]/g, '\\$&')).join(',')

const hostColumn = columns.indexOf('cs(Host)')

/**
 * The host of a line; undefined for one that is not whole, as the last one of a process that was killed may be.
 * @param line without its newline. No value holds a comma or a quote: see `access-log-line.ts`.
 */
export function hostOfLine(line: string): string | undefined {
  const values = line.split(',')
  return values.length === columns.length ? values[hostColumn] : undefined
}

/** Reads the values of a whole line by their columns; `-` stands for what is not known, or does not apply. */
export function valuesOfLine(line: string): (column: (typeof columns)[number]) => string {
  const values = line.split(',')
  return (column) => values[columns.indexOf(column)] ?? '-'
}

/** Date and time begin every line: lines in this order are in the order of time, to the second. */
export const timeOfLine = (line: string) => line.slice(0, 'yyyy-mm-dd,hh:mm:ss'.length)

/** The hour of a time in epoch milliseconds, as its folder is called: `2026-11-25T14`, in UTC. Sorts as time does. */
export const hourOf = (time: number) => new Date(time).toISOString().slice(0, 'yyyy-mm-ddThh'.length)

/** Whether a folder's name is that of an hour. */
export const isHour = (name: string) => /^\d{4}-\d\d-\d\dT\d\d$/.test(name)

/** @param writer tells the files of one edge process from those of the others */
export const accessLogFile = (appId: string, writer: string) => `${appId}.${writer}.csv`

/** The app whose lines a file holds; undefined for a file of another kind. */
export const appOfFile = (name: string) => /^(d[a-z0-9]+)\.[a-z0-9]+\.csv$/.exec(name)?.[1]

/** Of which edge process a file is; undefined for a file of another kind. */
export const writerOfFile = (name: string) => /^d[a-z0-9]+\.([a-z0-9]+)\.csv$/.exec(name)?.[1]
