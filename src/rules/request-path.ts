/** The path of a request in the forms in which rules compare it. Made once for a request, whatever the number of rules. */
export interface RequestPath {
  /** As it stands in the URL: percent-encoded, from its first slash on. */
  readonly raw: string
  /** What follows the first slash, split at slashes, as it stands in the URL. */
  readonly rawSegments: string[]
  /** The same, decoded and in Unicode's NFC. A slash that was encoded is none: it stays `%2F`. */
  readonly segments: string[]
  /** All of these, with their slashes. */
  readonly decoded: string
}

/** @returns undefined where the percent-encoding is broken */
export function readRequestPath(raw: string): RequestPath | undefined {
  if (!raw.includes('%')) return new PlainPath(raw)
  const rawSegments = raw.slice(1).split('/')
  try {
    const segments = rawSegments.map(decodeSegment)
    return { raw, rawSegments, segments, decoded: `/${segments.join('/')}` }
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** One that is decoded as it is. It is split when a rule asks for that, which most sites have none of. */
class PlainPath implements RequestPath {
  readonly raw: string
  #segments: string[] | undefined

  constructor(raw: string) {
    this.raw = raw
  }

  get decoded(): string {
    return this.raw
  }

  get segments(): string[] {
    return (this.#segments ??= this.raw.slice(1).split('/'))
  }

  get rawSegments(): string[] {
    return this.segments
  }
}

/** @throws {URIError} */
export function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment
  return decodeURIComponent(segment).normalize('NFC').replaceAll('/', '%2F')
}

/** Encodes a part of a segment as it is decoded above, so that it can stand in a URL. */
export function encodeInSegment(text: string): string {
  return encodeURIComponent(text.replaceAll('%2F', '/'))
}
