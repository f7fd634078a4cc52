import { limits } from '../model/limits.ts'
import { RefusedContent } from './refused-content.ts'

const segmentsThatWalk = new Set(['', '.', '..'])

/**
 * The path under which a file is published, from the name it has where it comes from: relative, separated by `/`, in
 * Unicode NFC, as {@link import('../model/manifest.ts').Manifest} wants it.
 * @throws {RefusedContent} for a name that leads elsewhere or that no URL could name
 */
export function sitePath(name: string): string {
  const path = name.normalize('NFC')
  const reason = refusal(path)
  if (reason !== undefined)
    throw new RefusedContent(`The file name ${quoted(name)} cannot be published: ${reason}`)
  return path
}

/** A name for a message: hostile characters escaped, long ones cut. */
export function quoted(name: string): string {
  const charactersMax = 200
  const text = name.length > charactersMax ? `${name.slice(0, charactersMax)}…` : name
  // JSON leaves DEL, C1 controls and the marks that turn the writing direction as they are.
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Decodes a file name; undefined where its bytes are not UTF-8. */
export function decodeName(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function refusal(path: string): string | undefined {
  if (path === '') return 'it is empty'
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'it is absolute'
  if (path.includes('\\')) return 'it has a backslash'
  if (/\p{Cc}/u.test(path)) return 'it has a control character'
  if (!path.isWellFormed() || path.includes('\ufffd')) return 'it is not valid Unicode'
  if (Buffer.byteLength(path) > limits.pathBytesMax) return `it is longer than ${limits.pathBytesMax} bytes`
  if (path.split('/').some((segment) => segmentsThatWalk.has(segment))) {
    return 'it has an empty, "." or ".." part'
  }
  return undefined
}
