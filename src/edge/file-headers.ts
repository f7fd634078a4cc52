import { limits } from '../model/limits.ts'
import type { ManifestFile } from '../model/manifest.ts'
import type { Encoding } from './accept-encoding.ts'
import type { Validators } from './conditions.ts'
import { contentTypeOf } from './content-type.ts'

/** For static files: browsers ask again, shared caches keep them (contract/hosting-behaviour.md §6.2). */
export const staticCacheControl = 'public, max-age=0, s-maxage=31536000'

/** 128 bits of the SHA-256 tell any two files apart. */
const etagDigits = 32

/** A file in one encoding, with the headers that are the same for every answer. */
export interface Representation extends Validators {
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

/** Made once for each file of a deployment: they are most of what a small answer costs. */
export function representFile(
  path: string,
  { sha, size }: ManifestFile,
  modifiedAt: number,
): FileRepresentations {
  const type = contentTypeOf(path)
  const compressible =
    type.compressible && size >= limits.compressedFileBytesMin && size <= limits.compressedFileBytesMax

  function represent(encoding: Encoding | 'identity'): Representation {
    const suffix = encoding === 'identity' ? '' : `-${encoding}`
    const key = `${sha}${suffix}`
    const etag = `"${sha.slice(0, etagDigits)}${suffix}"`
    const notModifiedHeaders = {
      etag,
      'cache-control': staticCacheControl,
      ...(compressible && { vary: 'Accept-Encoding' }),
    }
    const headers = {
      'content-type': type.value,
      ...notModifiedHeaders,
      'last-modified': new Date(modifiedAt).toUTCString(),
      'accept-ranges': 'bytes',
      ...(encoding !== 'identity' && { 'content-encoding': encoding }),
    }
    return { key, etag, modifiedAt, contentType: type.value, headers, notModifiedHeaders }
  }

  return {
    identity: represent('identity'),
    encoded: compressible ? { br: represent('br'), gzip: represent('gzip') } : undefined,
  }
}
