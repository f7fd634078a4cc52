import { canonicalName } from '../model/domain-names.ts'
import { limits } from '../model/limits.ts'
import type { AnswerFacts } from './answer.ts'
import { splitUrl } from './split-url.ts'
import type { Scheme } from './visitors.ts'

/** A request and its answer. */
export interface Visit {
  request: Request
  facts: AnswerFacts
  /** Of the visitor; undefined where it is not known, or not to be logged. */
  address?: string | undefined
  port?: number | undefined
  scheme: Scheme
  /** Whether the port takes HTTP/2: Bun tells of no request whether it came by that. */
  mayBeHttp2: boolean
  /** From the request's arrival until its answer was ready. */
  milliseconds: number
}

/** What is not known, or does not apply. A value that a visitor sent never looks like this. */
const absent = '-'

/**
 * One line with its newline, in the columns of `model/access-log.ts`. What a visitor sent is percent-encoded as CloudFront
 * does it, commas and semicolons too, so that no value needs quotes, ends its line or column, or begins a formula.
 * @param stamp.time `yyyy-mm-dd,hh:mm:ss` in UTC
 * @param stamp.cookies whether they are logged
 */
export function accessLogLine(
  { request, facts, address = absent, port, scheme, mayBeHttp2, milliseconds }: Visit,
  { time, id, cookies }: { time: string; id: string; cookies: boolean },
): string {
  const { headers, method } = request
  const { host, path, query } = targetOf(request)
  const { status, contentType, contentLength, range } = facts
  const sent = method === 'HEAD' ? 0 : (contentLength ?? 0)
  const result = status >= 400 ? 'Error' : 'Hit'
  const seconds = milliseconds === 0 ? '0.000' : (milliseconds / 1000).toFixed(3)
  const referer = headerValue(headers.get('referer'))
  const userAgent = headerValue(headers.get('user-agent'))
  const cookie = cookies ? headerValue(headers.get('cookie')) : absent
  const forwardedFor = headerValue(headers.get('x-forwarded-for'))
  const protocol = status === 101 ? webSocketSchemes[scheme] : scheme
  // HTTP/2 has no such header (RFC 9113 §8.2.2), and clients of HTTP/1.1 need not send it.
  const version = mayBeHttp2 && !headers.has('connection') ? absent : 'HTTP/1.1'
  return (
    `${time},-,${sent},${address},${method},${host},${path},${status},` +
    `${referer},${userAgent},${query},${cookie},${result},${id},${host},${protocol},-,${seconds},${forwardedFor},-,-,` +
    `${result},${version},-,-,${port ?? absent},${seconds},${result},` +
    `${headerValue(contentType ?? null)},${contentLength ?? absent},` +
    `${range ? range.start : absent},${range ? range.end - 1 : absent}\n`
  )
}

const webSocketSchemes = { http: 'ws', https: 'wss' } as const

interface Target {
  host: string
  path: string
  query: string
}

/** Visitors ask for the same addresses again and again, with the same headers. What is longer is not worth its memory. */
const remembered = { entriesMax: 1000, charactersMax: 512 }
const targets = new Map<string, Target>()
const headerValues = new Map<string, string>()

function targetOf({ url, headers }: Request): Target {
  const known = targets.get(url)
  if (known) return known
  // The target of CONNECT is no URL, and names any host it likes.
  if (!url.startsWith('http'))
    return { host: hostName(headers.get('host') ?? ''), path: absent, query: absent }
  const { host, path, query } = splitUrl(url)
  const target = { host: hostName(host), path: urlPart(path), query: urlPart(query.slice(1)) }
  remember(targets, url, target)
  return target
}

function hostName(host: string): string {
  return escape(canonicalName(host.replace(/:\d*$/, '')), notInHeaders)
}

function headerValue(value: string | null): string {
  if (value === null || value === '') return absent
  const known = headerValues.get(value)
  if (known !== undefined) return known
  const escaped = escape(value, notInHeaders)
  remember(headerValues, value, escaped)
  return escaped
}

/** A URL is percent-encoded already: its `%` stay as they are, and one that the limit cut in two goes. */
function urlPart(text: string): string {
  if (text === '') return absent
  const escaped = escape(text, notInUrls)
  return text.length > limits.accessLogValueCharactersMax ? escaped.replace(/%.?$/, '') : escaped
}

function remember<Value>(known: Map<string, Value>, key: string, value: Value): void {
  if (key.length > remembered.charactersMax) return
  if (known.size >= remembered.entriesMax) known.clear()
  known.set(key, value)
}

/** What CloudFront encodes, and what spreadsheets split a line at: the comma, and in some countries the semicolon. */
const notInHeaders = /[^!$&()*+\-./0-9:=?@A-Z_a-z]/gu
const notInUrls = /[^!$%&()*+\-./0-9:=?@A-Z_a-z]/gu
/** With these a spreadsheet takes a value for a formula; as the only character, `-` means that there is no value. */
const atBeginning = /^[=+\-@]/

function escape(text: string, unsafe: RegExp): string {
  return text
    .slice(0, limits.accessLogValueCharactersMax)
    .toWellFormed()
    .replace(unsafe, percentEncoded)
    .replace(atBeginning, percentEncoded)
}

/** Header values come as bytes, one in each character. */
function percentEncoded(character: string): string {
  const code = character.codePointAt(0)!
  return code > 0xff ? encodeURIComponent(character) : `%${code.toString(16).toUpperCase().padStart(2, '0')}`
}
