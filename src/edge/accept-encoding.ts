import { Remembered } from '../model/remembered.ts'

export type Encoding = 'br' | 'gzip'

/** Most preferred first: brotli is smaller at the same effort. */
const encodings: Encoding[] = ['br', 'gzip']
/** Browsers send one of a few headers with every request. */
const known = new Remembered<Encoding | 'identity'>({ entriesMax: 256, charactersMax: 256 })

/** The encoding that the client likes best (RFC 9110 §12.5.3); `identity` where it names none of ours. */
export function chooseEncoding(acceptEncoding: string | null): Encoding | 'identity' {
  if (acceptEncoding === null) return 'identity'
  return known.get(acceptEncoding) ?? known.set(acceptEncoding, choose(acceptEncoding))
}

function choose(header: string): Encoding | 'identity' {
  const qualities = new Map<string, number>()
  for (const item of header.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    qualities.set(
      coding === 'x-gzip' ? 'gzip' : coding,
      quality === undefined ? 1 : Number(quality.slice(2)) || 0,
    )
  }
  const qualityOf = (coding: string) => qualities.get(coding) ?? qualities.get('*') ?? 0
  let best: Encoding | 'identity' = 'identity'
  // Identity is always acceptable, but only a client that ranks it above the others wants it rather than them.
  let bestQuality = qualities.get('identity') ?? 0
  for (const encoding of encodings.toReversed()) {
    if (qualityOf(encoding) > 0 && qualityOf(encoding) >= bestQuality) {
      best = encoding
      bestQuality = qualityOf(encoding)
    }
  }
  return best
}
