import { limits } from '../model/limits.ts'
import type { Encoding } from './accept-encoding.ts'
import type { AnswerFacts } from './answer.ts'
import { defaultCacheControl } from './cache-control.ts'
import type { Validators } from './conditions.ts'
import { contentTypeOf } from './content-type.ts'
import type { FileDecision } from './decide.ts'
import type { HeaderSet } from './header-rules.ts'

/** 128 bits of the SHA-256 tell any two files apart. */
const etagDigits = 32

/** A file at one address, in the encodings in which it is asked for. Headers of the site go before ours (contract/hosting-behaviour.md §6.1). */
export class FileRepresentations {
  /** Whether compressing the file is worth it. */
  readonly compressible: boolean
  readonly #decision: FileDecision
  readonly #type: string
  #identity: Representation | undefined
  readonly #packed: Partial<Record<Encoding, Representation>> = {}

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
    if (encoding === 'identity') return (this.#identity ??= this.#represent(encoding))
    return (this.#packed[encoding] ??= this.#represent(encoding))
  }

  #represent(encoding: Encoding | 'identity'): Representation {
    return new Representation(this.#decision, this.#type, encoding, this.compressible)
  }
}

/** A file in one encoding, with the headers that are the same for every answer: they are most of what a small answer costs. */
export class Representation implements Validators {
  /** 404 for a page that stands for what is not there: it has no validators, and no cache keeps it. */
  readonly status: 200 | 404
  /** Under which its bytes are kept in memory. */
  readonly key: string
  readonly contentType: string
  readonly etag: string
  readonly #decision: FileDecision
  readonly #shape: Shape
  #headers: Headers | undefined
  #notModifiedHeaders: Headers | undefined
  #facts: AnswerFacts | undefined

  constructor(decision: FileDecision, type: string, encoding: Encoding | 'identity', varies: boolean) {
    const { status, file, headers } = decision
    const suffix = encoding === 'identity' ? '' : `-${encoding}`
    this.status = status
    this.key = `${file.sha}${suffix}`
    this.contentType = headers.headers['content-type'] ?? type
    this.etag = `"${file.sha.slice(0, etagDigits)}${suffix}"`
    this.#decision = decision
    this.#shape = { status, type, encoding, varies }
  }

  get modifiedAt(): number {
    return this.#decision.deployment.modifiedAt
  }

  get headers(): Headers {
    return (this.#headers ??= this.#describe(this.#shape))
  }

  /** Of an answer 304: those that a cache needs (RFC 9110 §15.4.5). */
  get notModifiedHeaders(): Headers {
    return (this.#notModifiedHeaders ??= this.#describe({ ...this.#shape, status: 304 }))
  }

  /** @param contentLength of its bytes, the same each time: so is the object, by which the access log knows the answer again */
  factsOf(contentLength: number): AnswerFacts {
    const { status, contentType } = this
    return (this.#facts ??= { status, contentType, contentLength })
  }

  #describe(shape: Shape): Headers {
    const { headers: site, deployment } = this.#decision
    const headers = new Headers(shapedHeaders(site, shape))
    if (shape.status === 404) return headers
    if (!headers.has('etag')) headers.set('etag', this.etag)
    if (shape.status === 200 && !headers.has('last-modified'))
      headers.set('last-modified', deployment.lastModified)
    return headers
  }
}

/** All that the headers of files depend on, but for what tells one file from the other. */
interface Shape {
  status: 200 | 304 | 404
  type: string
  encoding: Encoding | 'identity'
  /** Whether other visitors get the same file in another encoding. */
  varies: boolean
}

/** Made once for thousands of files: to copy headers costs a fifth of making them. By what of their shape is not the type, and by that. */
const shaped = new WeakMap<HeaderSet, Map<string, Headers>[]>()
const statuses = [200, 304, 404] as const
const encodings = ['identity', 'br', 'gzip'] as const

function shapedHeaders(site: HeaderSet, shape: Shape): Headers {
  let known = shaped.get(site)
  if (!known) {
    known = []
    shaped.set(site, known)
  }
  const { status, encoding, varies, type } = shape
  const place = (statuses.indexOf(status) * 3 + encodings.indexOf(encoding)) * 2 + Number(varies)
  const byType = (known[place] ??= new Map())
  let headers = byType.get(type)
  if (!headers) {
    headers = new Headers(shapedRecord(site, shape))
    byType.set(type, headers)
  }
  return headers
}

function shapedRecord(site: HeaderSet, { status, type, encoding, varies }: Shape): Record<string, string> {
  const { headers: custom, vary } = site
  const dependsOn = [custom['vary'] ?? (varies ? 'Accept-Encoding' : undefined), vary]
  const names = dependsOn.filter((name) => name !== undefined).join(', ')
  const added = { ...custom, ...(names !== '' && { vary: names }) }
  const cacheControl = defaultCacheControl(site)
  if (status === 304) return { 'cache-control': cacheControl, ...added }
  const described = { 'content-type': type, ...(encoding !== 'identity' && { 'content-encoding': encoding }) }
  return status === 404
    ? { ...described, ...added, 'cache-control': 'no-store' }
    : { ...described, 'accept-ranges': 'bytes', 'cache-control': cacheControl, ...added }
}
