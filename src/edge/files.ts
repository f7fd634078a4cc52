import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { parseRange } from '../model/byte-range.ts'
import type { ManifestFile } from '../model/manifest.ts'
import { chooseEncoding } from './accept-encoding.ts'
import type { Answer, AnswerFacts } from './answer.ts'
import { evaluateConditions, ifRangeHolds } from './conditions.ts'
import type { DescribedFile } from './described-decision.ts'
import { createFileBytes } from './file-bytes.ts'
import type { Representation } from './file-headers.ts'
import { errorPage, withHeaders } from './pages.ts'

export interface Files {
  /**
   * Answers GET or HEAD with a file of the site: its encoding, conditions and range.
   */
  send(request: Request, decision: DescribedFile): Answer | Promise<Answer>
}

export function createFiles(options: { blobs: Blobs; memoryBytes: number; log: Logger }): Files {
  const { blobs } = options
  const fileBytes = createFileBytes(options)

  function send(request: Request, decision: DescribedFile): Answer | Promise<Answer> {
    const { file, representations: known } = decision
    const { headers } = request
    const range = request.method === 'GET' && decision.status === 200 ? headers.get('range') : null
    // A range is one of the file as it is: no client asks for parts of something compressed on the way.
    if (!known.compressible || range !== null) return sendIdentity(request, decision, range)
    const encoding = chooseEncoding(headers.get('accept-encoding'))
    if (encoding === 'identity') return sendIdentity(request, decision, null)
    const representation = known.in(encoding)
    const early = answerWithoutBody(request, decision, representation)
    if (early) return early
    const packed = fileBytes.encoded(file, encoding, representation.key)
    const finish = (bytes: Blob | 'not-packed') =>
      bytes === 'not-packed' ? sendIdentity(request, decision, null) : respond(request, representation, bytes)
    return packed instanceof Promise ? packed.then(finish) : finish(packed)
  }

  function sendIdentity(
    request: Request,
    decision: DescribedFile,
    range: string | null,
  ): Answer | Promise<Answer> {
    const { file } = decision
    const representation = decision.representations.in('identity')
    const early = answerWithoutBody(request, decision, representation)
    if (early) return early
    if (range !== null && ifRangeHolds(request.headers, representation)) {
      const part = parseRange(range, file.size)
      if (part === 'unsatisfiable') return rangeNotSatisfiable(decision)
      if (part !== 'ignored') return sendPart(file, representation, part)
    }
    if (request.method === 'HEAD') return headersOnly(representation, file.size)
    const bytes = fileBytes.identity(file)
    // A slice even of the whole: of a plain file Bun would honour a Range that was found not to hold.
    if (!bytes) {
      return answerWith(blobs.open(file.sha).slice(0, file.size), representation, file.size)
    }
    return bytes instanceof Promise
      ? bytes.then((read) => respond(request, representation, read))
      : respond(request, representation, bytes)
  }

  async function sendPart(
    file: ManifestFile,
    representation: Representation,
    range: { start: number; end: number },
  ): Promise<Answer> {
    const { start, end } = range
    const whole = (await fileBytes.identity(file)) ?? blobs.open(file.sha)
    const headers = new Headers(representation.headers)
    headers.set('content-range', `bytes ${start}-${end - 1}/${file.size}`)
    const facts = { ...representation.factsOf(file.size), status: 206, contentLength: end - start, range }
    return { headers, body: whole.slice(start, end), facts }
  }

  return { send }
}

const notModified: AnswerFacts = { status: 304 }

function answerWithoutBody(
  request: Request,
  { headers }: DescribedFile,
  representation: Representation,
): Answer | undefined {
  if (representation.status === 404) return undefined
  const outcome = evaluateConditions(request.headers, representation)
  if (outcome === 'send') return undefined
  if (outcome === 'not-modified') {
    return { headers: representation.notModifiedHeaders, body: null, facts: notModified }
  }
  return withHeaders(
    errorPage(412, 'Precondition failed', 'This page has changed.', request.method === 'HEAD'),
    headers,
  )
}

function respond(request: Request, representation: Representation, bytes: Blob): Answer {
  if (request.method === 'HEAD') return headersOnly(representation, bytes.size)
  return answerWith(bytes, representation, bytes.size)
}

function answerWith(body: Blob, representation: Representation, size: number): Answer {
  return { headers: representation.headers, body, facts: representation.factsOf(size) }
}

function headersOnly(representation: Representation, size: number): Answer {
  const headers = new Headers(representation.headers)
  headers.set('content-length', String(size))
  return { headers, body: null, facts: representation.factsOf(size) }
}

function rangeNotSatisfiable({ file: { size }, headers }: DescribedFile): Answer {
  const answer = errorPage(416, 'Range not satisfiable', `The file has ${size} bytes.`)
  answer.headers.set('content-range', `bytes */${size}`)
  return withHeaders(answer, headers)
}
