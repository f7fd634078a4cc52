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

/**
 * A file at one address, in the encodings in which it is asked for. Each is made once: the headers are most of what a small answer
 * costs. Those of the site go before ours (contract/hosting-behaviour.md §6.1).
 */
export class FileRepresentations {
  /** Whether compressing the file is worth it. */
  readonly compressible: boolean
  readonly #decision: FileDecision
  readonly #type: string
  readonly #known = new Map<Encoding | 'identity', Representation>()

  constructor(decision: FileDecision) {
    const { path, file, headers } = decision
    const { value, compressible } = contentTypeOf(path)
    this.#decision = decision
    this.#type = value
    this.compressible =
      compressible &&
      file.size >= limits.compressedFileBytesMin &&
      file.size <= limits.compressedFileBytesMax &&
      // The file is packed already, by whoever made it.
      headers.headers['content-encoding'] === undefined
  }

  in(encoding: Encoding | 'identity'): Representation {
    const known = this.#known.get(encoding)
    if (known) return known
    const made = this.#represent(encoding)
    this.#known.set(encoding, made)
    return made
  }

  #represent(encoding: Encoding | 'identity'): Representation {
    const { status, file, deployment, headers: site } = this.#decision
    const { headers: custom, vary } = site
    const suffix = encoding === 'identity' ? '' : `-${encoding}`
    const etag = `"${file.sha.slice(0, etagDigits)}${suffix}"`
    const dependsOn = [custom['vary'] ?? (this.compressible ? 'Accept-Encoding' : undefined), vary]
    const varies = dependsOn.filter((names) => names !== undefined).join(', ')
    const added = { ...custom, ...(varies !== '' && { vary: varies }) }
    const cacheControl = vary === undefined ? staticCacheControl : personalCacheControl
    const described = {
      'content-type': this.#type,
      ...(encoding !== 'identity' && { 'content-encoding': encoding }),
    }
    const { modifiedAt, lastModified } = deployment
    const notModifiedHeaders = { etag, 'cache-control': cacheControl, ...added }
    return {
      status,
      key: `${file.sha}${suffix}`,
      etag,
      modifiedAt,
      contentType: custom['content-type'] ?? this.#type,
      headers:
        status === 404
          ? { ...described, ...added, 'cache-control': 'no-store' }
          : { ...described, 'last-modified': lastModified, 'accept-ranges': 'bytes', ...notModifiedHeaders },
      notModifiedHeaders,
    }
  }
}
