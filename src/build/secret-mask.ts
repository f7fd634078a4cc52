import { isControl, secretCharactersMin, secretForms } from './secret-forms.ts'
import { type TextFinder, textFinder } from './text-finder.ts'

/** What stands in a log where a secret was, on each line of it. */
const maskText = '******'

export interface SecretMask {
  /** Takes the next piece of one stream; gives back what can be shown of it already. */
  write(text: string): string
  /** Whether something was taken that was not given back yet. */
  keeps(): boolean
  /**
   * The stream has paused: gives back what is kept, if it is too little to tell anything of a secret.
   * @param where `between lines`: only what ends a line
   */
  pause(where?: 'between lines'): string
  /** The rest, once the stream has ended. */
  flush(): string
}

/**
 * Makes masks for streams, each of which finds secrets that are split over its pieces or lines too: the end of a piece that
 * may be the beginning of a secret is kept back.
 */
export function secretMasks(secrets: string[]): () => SecretMask {
  const finder = textFinder(secrets.flatMap(secretForms))
  return () => maskOf(finder)
}

function maskOf(finder: TextFinder): SecretMask {
  let state = 0
  /** The end of what was read: from the first unit that may belong to a secret. Its first `shown` units are shown already. */
  let kept = ''
  let shown = 0
  /** Of each unit of `kept` that is no control: where it is. */
  let places: number[] = []
  /** Where secrets are in `kept`, in order and apart from each other: from, to. */
  let secretRanges: [from: number, to: number][] = []
  /** Whether the last that was shown stands for a secret, which may go on. */
  let isMasked = false

  function read(text: string): string {
    const begin = kept.length
    const all = kept + text
    const at = new Int32Array(places.length + text.length)
    at.set(places)
    let count = places.length
    for (let index = begin; index < all.length; index++) {
      const code = all.charCodeAt(index)
      if (isControl(code)) continue
      at[count++] = index
      state = finder.next(state, code)
      const length = finder.found(state)
      if (length > 0) addRange(at[count - length]!, index + 1)
    }
    const depth = finder.depth(state)
    const cut = depth === 0 ? all.length : at[count - depth]!
    const output = show(all, shown, cut)
    kept = all.slice(cut)
    shown = Math.max(0, shown - cut)
    places = Array.from(at.subarray(count - depth, count), (place) => place - cut)
    secretRanges = secretRanges
      .filter(([, to]) => to > cut)
      .map(([from, to]) => [Math.max(0, from - cut), to - cut])
    return output
  }

  /** Ranges end later and later; one that begins before others takes them in. */
  function addRange(from: number, to: number): void {
    let start = from
    while (secretRanges.length > 0 && secretRanges.at(-1)![1] >= start) {
      start = Math.min(start, secretRanges.pop()![0])
    }
    secretRanges.push([start, to])
  }

  /** The text between two places, with a mask in the place of each secret. */
  function show(text: string, from: number, to: number): string {
    let output = ''
    let done = from
    for (const [start, end] of secretRanges) {
      if (end <= done || start >= to) continue
      if (start > done) {
        output += text.slice(done, start)
        isMasked = false
      }
      output += masked(text.slice(Math.max(start, done), Math.min(end, to)))
      done = Math.min(end, to)
    }
    if (done >= to) return output
    isMasked = false
    return output + text.slice(done, to)
  }

  /** Lines stay lines. */
  function masked(secret: string): string {
    let output = ''
    for (const part of secret.split(/(\n+)/)) {
      if (part === '') continue
      if (part.startsWith('\n')) output += part
      else if (!isMasked) output += maskText
      isMasked = !part.startsWith('\n')
    }
    return output
  }

  return {
    write: read,
    keeps: () => kept.length > shown,
    pause(where) {
      if (where === 'between lines' && !kept.endsWith('\n')) return ''
      const open = places.filter((place) => !secretRanges.some(([from, to]) => place >= from && place < to))
      if (open.length >= secretCharactersMin) return ''
      const output = show(kept, shown, kept.length)
      shown = kept.length
      return output
    },
    flush() {
      const rest = show(kept, shown, kept.length)
      state = 0
      kept = ''
      shown = 0
      places = []
      secretRanges = []
      isMasked = false
      return rest
    },
  }
}

/** The parts of `basicAuthCredentials` (base64 of `user:password`) that must not be shown. */
export function basicAuthSecrets(credentials: string | undefined): string[] {
  if (credentials === undefined || credentials === '') return []
  const plain = Buffer.from(credentials, 'base64').toString('utf8')
  return [credentials, plain, plain.slice(plain.indexOf(':') + 1)]
}
