import { accessLogHeader } from '../../src/model/access-log.ts'

/** A line of an access log by the names of its columns, as CloudFront writes them without backslashes. */
export type LoggedRequest = Record<string, string>

/**
 * Reads an access log as strictly as any reader might: plain ASCII, no quotes, one line for each request, 33 columns.
 * @throws where the text is anything else
 */
export function parseAccessLog(csv: string): LoggedRequest[] {
  const [header, ...lines] = csv.split('\n')
  if (header !== accessLogHeader) throw new Error(`not the header of an access log: ${header}`)
  if (lines.pop() !== '') throw new Error('the last line has no end')
  return lines.map(parseAccessLogLine)
}

/** @param line without its newline */
export function parseAccessLogLine(line: string): LoggedRequest {
  if (!/^[\x20\x21\x23-\x7e]+$/.test(line)) throw new Error(`a character that must not be there: ${line}`)
  const names = accessLogHeader.replaceAll('\\', '').split(',')
  const values = line.split(',')
  if (names.length !== 33 || values.length !== 33) throw new Error(`${values.length} columns: ${line}`)
  for (const value of values) {
    // With other beginnings a spreadsheet computes what a visitor sent.
    if (!/^(-$|[^=+\-@\s])/.test(value)) throw new Error(`an empty value or a formula: ${line}`)
  }
  return Object.fromEntries(names.map((name, at) => [name, values[at]!]))
}
