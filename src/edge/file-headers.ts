import { limits } from '../model/limits.ts'
import type { Encoding } from './accept-encoding.ts'
import type { Validators } from './conditions.ts'
import { contentTypeOf } from './content-type.ts'
import type { FileDecision } from './decide.ts'

/** For static files: browsers ask again, shared caches keep them (contract/hosting-behaviour.md §6.2). */
export const staticCacheControl = 'public, max-age=0, s-maxage=31536000'

/** Where the same address has another file for another visitor: shared caches rarely heed `Vary`. */
export const personalCacheControl = 'private, max-age=0'

/** 128 bits of the SHA-256 tell any two files apart. */
const etagDigits = 32

/** A file in one encoding, with the headers that are the same for every answer. */
export interface Representation extends Validators {
  /** 404 for a page that stands for what is not there: it has no validators, and no cache keeps it. */
  status: 200 | 404
  /** Under which its bytes are kept in memory. */
  key: string
  contentType: string
  headers: Record<string, string>
  /** Of an answer 304: those that a cache needs (RFC 9110 §15.4.5). */
  notModifiedHeaders: Record<string, string>
}

export interface FileRepresentations {
  identity: Representation
  /** Absent where compressing the file is not worth it. */
  encoded: Record<Encoding, Representation> | undefined
}

/**
 * Made once for each address: the headers are most of what a small answer costs. Those of the site go before ours
 * (contract/hosting-behaviour.md §6.1).
 */
export function representFile({
  status,
  path,
  file: { sha, size },
  deployment: { modifiedAt },
  headers: { headers: custom, vary },
}: FileDecision): FileRepresentations {
  const type = contentTypeOf(path)
  const contentType = custom['content-type'] ?? type.value
  const compressible =
    type.compressible &&
    size >= limits.compressedFileBytesMin &&
    size <= limits.compressedFileBytesMax &&
    // The file is packed already, by whoever made it.
    custom['content-encoding'] === undefined

  const lastModified = new Date(modifiedAt).toUTCString()

  function represent(encoding: Encoding | 'identity'): Representation {
    const suffix = encoding === 'identity' ? '' : `-${encoding}`
    const key = `${sha}${suffix}`
    const etag = `"${sha.slice(0, etagDigits)}${suffix}"`
    const dependsOn = [custom['vary'] ?? (compressible ? 'Accept-Encoding' : undefined), vary]
    const varies = dependsOn.filter((names) => names !== undefined).join(', ')
    const added = { ...custom, ...(varies !== '' && { vary: varies }) }
    const cacheControl = vary === undefined ? staticCacheControl : personalCacheControl
    const described = {
      'content-type': type.value,
      ...(encoding !== 'identity' && { 'content-encoding': encoding }),
    }
    const notModifiedHeaders = { etag, 'cache-control': cacheControl, ...added }
    const headers =
      status === 404
        ? { ...described, ...added, 'cache-control': 'no-store' }
        : { ...described, 'last-modified': lastModified, 'accept-ranges': 'bytes', ...notModifiedHeaders }
    return { status, key, etag, modifiedAt, contentType, headers, notModifiedHeaders }
  }

  return {
    identity: represent('identity'),
    encoded: compressible ? { br: represent('br'), gzip: represent('gzip') } : undefined,
  }
}
