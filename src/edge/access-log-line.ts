import { canonicalName } from '../model/domain-names.ts'
import { limits } from '../model/limits.ts'
import { Remembered } from '../model/remembered.ts'
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
  id: string
  /** From the request's arrival until its answer was ready. */
  milliseconds: number
}

/** What is not known, or does not apply. A value that a visitor sent never looks like this. */
const absent = '-'
/** The same with its comma. */
const none = '-,'

/**
 * One line with its newline, in the columns of `model/access-log.ts`. What a visitor sent is percent-encoded as CloudFront
 * does it, commas and semicolons too, so that no value needs quotes, ends its line or column, or begins a formula.
 *
 * Values that come again are kept with the commas around them: putting a line together from few pieces takes half the time.
 * @param stamp.time `yyyy-mm-dd,hh:mm:ss` in UTC
 * @param stamp.cookies whether they are logged
 */
export function accessLogLine(
  { request, facts, address, port, scheme, mayBeHttp2, id, milliseconds }: Visit,
  { time, cookies }: { time: string; cookies: boolean },
): string {
  const { headers, method } = request
  const target = targetOf(request)
  const answer = answerOf(facts)
  const sent = method === 'HEAD' ? ',-,0,' : answer.sent
  const asked = method === 'GET' ? target.get : `${method},${target.hostAndPath}`
  const seconds = milliseconds === 0 ? '0.000,' : `${(milliseconds / 1000).toFixed(3)},`
  return (
    time +
    sent +
    (address === undefined ? none : `${address},`) +
    asked +
    answer.status +
    headerValue(headers.get('referer')) +
    headerValue(headers.get('user-agent')) +
    target.query +
    (cookies ? headerValue(headers.get('cookie')) : none) +
    answer.result +
    id +
    target.host +
    (facts.status === 101 ? webSocketSchemes : schemes)[scheme] +
    seconds +
    headerValue(headers.get('x-forwarded-for')) +
    answer.protocol +
    // HTTP/2 has no such header (RFC 9113 §8.2.2), and clients of HTTP/1.1 need not send it.
    (mayBeHttp2 && !headers.has('connection') ? ',-,-,-,' : ',HTTP/1.1,-,-,') +
    (port === undefined ? none : `${port},`) +
    seconds +
    answer.content
  )
}

/** `cs-protocol`, `cs-bytes`. */
const schemes = { http: 'http,-,', https: 'https,-,' } as const
const webSocketSchemes = { http: 'ws,-,', https: 'wss,-,' } as const

/** Columns that a target fills, each with its comma. */
interface Target {
  /** `cs(Host)`, `cs-uri-stem`. */
  hostAndPath: string
  /** The same behind `cs-method`. */
  get: string
  query: string
  /** The comma after an id; `x-host-header`. */
  host: string
}

/** Columns that an answer fills. */
interface AnswerColumns {
  /** The comma after a time; `x-edge-location`, `sc-bytes`. */
  sent: string
  status: string
  result: string
  /** From `ssl-protocol` to `x-edge-response-result-type`, without the comma behind it. */
  protocol: string
  /** From `x-edge-detailed-result-type` to the end. */
  content: string
}

/** Visitors ask for the same addresses again and again, with the same headers. What is longer is not worth its memory. */
const remembered = { entriesMax: 1000, charactersMax: 512 }
const targets = new Remembered<Target>(remembered)
/** Answers from memory share their facts. */
const answers = new WeakMap<AnswerFacts, AnswerColumns>()
const headerValues = new Remembered<string>(remembered)

function targetOf({ url, headers }: Request): Target {
  const known = targets.get(url)
  if (known) return known
  // The target of CONNECT is no URL, and names any host it likes.
  if (!url.startsWith('http')) return columnsOf(headers.get('host') ?? '', absent, absent)
  const { host, path, query } = splitUrl(url)
  return targets.set(url, columnsOf(host, urlPart(path), urlPart(query.slice(1))))
}

function columnsOf(sentHost: string, path: string, query: string): Target {
  const host = hostName(sentHost)
  const hostAndPath = `${host},${path},`
  return {
    hostAndPath: inOnePiece(hostAndPath),
    get: inOnePiece(`GET,${hostAndPath}`),
    query: inOnePiece(`${query},`),
    host: inOnePiece(`,${host},`),
  }
}

function answerOf(facts: AnswerFacts): AnswerColumns {
  const known = answers.get(facts)
  if (known) return known
  const { status, contentType, contentLength, range } = facts
  const result = status >= 400 ? 'Error' : 'Hit'
  const content = `${headerValue(contentType ?? null)}${contentLength ?? absent}`
  const part = `${range ? range.start : absent},${range ? range.end - 1 : absent}`
  const columns = {
    sent: inOnePiece(`,-,${contentLength ?? 0},`),
    status: inOnePiece(`${status},`),
    result: inOnePiece(`${result},`),
    protocol: inOnePiece(`-,-,${result}`),
    content: inOnePiece(`${result},${content},${part}\n`),
  }
  answers.set(facts, columns)
  return columns
}

function hostName(host: string): string {
  return escape(canonicalName(host.replace(/:\d*$/, '')), notInHeaders)
}

/** JavaScriptCore keeps a text that was put together as its pieces, and would walk through them for each line. */
function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** With its comma. */
function headerValue(value: string | null): string {
  if (value === null || value === '') return none
  const known = headerValues.get(value)
  if (known !== undefined) return known
  const escaped = inOnePiece(`${escape(value, notInHeaders)},`)
  return headerValues.set(value, escaped)
}

/** A URL is percent-encoded already: its `%` stay as they are, and one that the limit cut in two goes. */
function urlPart(text: string): string {
  if (text === '') return absent
  const escaped = escape(text, notInUrls)
  return text.length > limits.accessLogValueCharactersMax ? escaped.replace(/%.?$/, '') : escaped
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
