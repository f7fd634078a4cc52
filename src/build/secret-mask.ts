/** What stands in a log where a secret was. */
const maskText = '******'

/** Shorter ones would blot out common words. */
const secretCharactersMin = 4

export interface SecretMask {
  /** Takes the next piece of one stream; gives back what can be shown of it already. */
  write(text: string): string
  /** The rest, once the stream has ended or paused. */
  flush(): string
}

/**
 * Makes masks for streams, each of which finds secrets that are split over its pieces too: the end of a piece that may be the
 * beginning of a secret is kept back.
 */
export function secretMasks(secrets: string[]): () => SecretMask {
  const known = [...new Set(secrets.flatMap(forms))].filter((secret) => secret.length >= secretCharactersMin)
  // The longest first: a secret may contain another.
  known.sort((one, other) => other.length - one.length)
  const longest = known[0]?.length ?? 0
  const mask = (text: string) => known.reduce((masked, secret) => masked.replaceAll(secret, maskText), text)
  return () => {
    let kept = ''
    return {
      write(text) {
        const masked = mask(kept + text)
        const cut = keptFrom(masked, known, longest)
        kept = masked.slice(cut)
        return masked.slice(0, cut)
      },
      flush() {
        const rest = kept
        kept = ''
        return rest
      },
    }
  }
}

/** Where the longest end of the text begins that is the beginning of a secret. */
function keptFrom(text: string, secrets: string[], longest: number): number {
  for (let start = Math.max(0, text.length - longest + 1); start < text.length; start++) {
    const end = text.slice(start)
    if (secrets.some((secret) => secret.startsWith(end))) return start
  }
  return text.length
}

/** A secret as it is, and as URLs and Basic authorization carry it. */
function forms(secret: string): string[] {
  if (secret === '') return []
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]
}

/** The parts of `basicAuthCredentials` (base64 of `user:password`) that must not be shown. */
export function basicAuthSecrets(credentials: string | undefined): string[] {
  if (credentials === undefined || credentials === '') return []
  const plain = Buffer.from(credentials, 'base64').toString('utf8')
  return [credentials, plain, plain.slice(plain.indexOf(':') + 1)]
}
