import { listsEntityTag } from '../model/entity-tags.ts'

/** A file in the form in which it would be sent: what conditional requests are held against (RFC 9110 §8.8). */
export interface Validators {
  /** Strong, with its quotes. */
  etag: string
  /** Epoch milliseconds of a whole second. */
  modifiedAt: number
}

/** Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since of a GET or HEAD, in the order of RFC 9110 §13.2.2. */
export function evaluateConditions(
  headers: Headers,
  current: Validators,
): 'send' | 'not-modified' | 'failed' {
  const ifMatch = headers.get('if-match')
  if (ifMatch !== null) {
    if (!listsEntityTag(ifMatch, current.etag, 'strong')) return 'failed'
  } else {
    const unmodifiedSince = parseDate(headers.get('if-unmodified-since'))
    if (unmodifiedSince !== undefined && current.modifiedAt > unmodifiedSince) return 'failed'
  }
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== null) return listsEntityTag(ifNoneMatch, current.etag, 'weak') ? 'not-modified' : 'send'
  const modifiedSince = parseDate(headers.get('if-modified-since'))
  return modifiedSince !== undefined && current.modifiedAt <= modifiedSince ? 'not-modified' : 'send'
}

/** Whether a Range may be honoured: the client's part is of these very bytes (RFC 9110 §13.1.5). */
export function ifRangeHolds(headers: Headers, current: Validators): boolean {
  const ifRange = headers.get('if-range')
  if (ifRange === null) return true
  return ifRange.includes('"') ? ifRange === current.etag : parseDate(ifRange) === current.modifiedAt
}

/** A date that cannot be read counts as absent (RFC 9110 §13.1.3). */
function parseDate(text: string | null): number | undefined {
  const time = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}
