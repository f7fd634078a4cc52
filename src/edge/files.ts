import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { parseRange } from '../model/byte-range.ts'
import type { ManifestFile } from '../model/manifest.ts'
import { chooseEncoding } from './accept-encoding.ts'
import type { Answer, AnswerFacts } from './answer.ts'
import { evaluateConditions, ifRangeHolds } from './conditions.ts'
import type { FileDecision } from './decide.ts'
import { createFileBytes } from './file-bytes.ts'
import { FileRepresentations, type Representation } from './file-headers.ts'
import { errorPage, withoutContent } from './pages.ts'

export interface Files {
  /**
   * Answers GET or HEAD with a file of the site: its encoding, conditions and range.
   */
  send(request: Request, decision: FileDecision): Answer | Promise<Answer>
}

export function createFiles(options: { blobs: Blobs; memoryBytes: number; log: Logger }): Files {
  const { blobs } = options
  const fileBytes = createFileBytes(options)
  const respond = createResponder()
  const represented = new WeakMap<FileDecision, FileRepresentations>()

  /** Decisions for addresses that are asked for again are the same objects. */
  function representations(decision: FileDecision): FileRepresentations {
    let found = represented.get(decision)
    if (!found) {
      found = new FileRepresentations(decision)
      represented.set(decision, found)
    }
    return found
  }

  function send(request: Request, decision: FileDecision): Answer | Promise<Answer> {
    const { file } = decision
    const known = representations(decision)
    const { headers } = request
    const range = request.method === 'GET' && decision.status === 200 ? headers.get('range') : null
    // A range is one of the file as it is: no client asks for parts of something compressed on the way.
    if (!known.compressible || range !== null) return sendIdentity(request, file, known.in('identity'), range)
    const encoding = chooseEncoding(headers.get('accept-encoding'))
    const representation = known.in(encoding)
    if (encoding === 'identity') return sendIdentity(request, file, representation, null)
    const early = answerWithoutBody(request, representation)
    if (early) return early
    const packed = fileBytes.encoded(file, encoding, representation.key)
    const finish = (bytes: Blob | 'not-packed') =>
      bytes === 'not-packed'
        ? sendIdentity(request, file, known.in('identity'), null)
        : respond(request, representation, bytes)
    return packed instanceof Promise ? packed.then(finish) : finish(packed)
  }

  function sendIdentity(
    request: Request,
    file: ManifestFile,
    representation: Representation,
    range: string | null,
  ): Answer | Promise<Answer> {
    const early = answerWithoutBody(request, representation)
    if (early) return early
    if (range !== null && ifRangeHolds(request.headers, representation)) {
      const part = parseRange(range, file.size)
      if (part === 'unsatisfiable') return rangeNotSatisfiable(file.size)
      if (part !== 'ignored') return sendPart(file, representation, part)
    }
    if (request.method === 'HEAD') return headersOnly(representation, file.size)
    const bytes = fileBytes.identity(file)
    // A slice even of the whole: of a plain file Bun would honour a Range that was found not to hold.
    if (!bytes) {
      const { status, headers } = representation
      const response = new Response(blobs.open(file.sha).slice(0, file.size), { status, headers })
      return { response, facts: factsOf(representation, file.size) }
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
    const contentRange = `bytes ${start}-${end - 1}/${file.size}`
    const response = new Response(whole.slice(start, end), {
      status: 206,
      headers: { ...representation.headers, 'content-range': contentRange },
    })
    return { response, facts: { ...factsOf(representation, end - start), status: 206, range } }
  }

  return { send }
}

function answerWithoutBody(request: Request, representation: Representation): Answer | undefined {
  if (representation.status === 404) return undefined
  const outcome = evaluateConditions(request.headers, representation)
  if (outcome === 'send') return undefined
  if (outcome === 'not-modified') return notModified(representation)
  return errorPage(412, 'Precondition failed', 'This page has changed.', request.method === 'HEAD')
}

const notModifiedAnswers = new WeakMap<Representation, Answer>()

/** Kept, as the answers below are. */
function notModified(representation: Representation): Answer {
  let template = notModifiedAnswers.get(representation)
  if (!template) {
    template = { ...withoutContent(304, representation.notModifiedHeaders), isKept: true }
    notModifiedAnswers.set(representation, template)
  }
  return template
}

/** Answers with bytes in memory. The answer is kept with them: a copy of a Response that has a Blob shares its bytes. */
function createResponder() {
  const templates = new WeakMap<Blob, Answer & { representation: Representation }>()
  return (request: Request, representation: Representation, bytes: Blob): Answer => {
    if (request.method === 'HEAD') return headersOnly(representation, bytes.size)
    let template = templates.get(bytes)
    // Two files of the same bytes may differ in their headers.
    if (template?.representation !== representation) {
      const { status, headers } = representation
      const response = new Response(bytes, { status, headers })
      const facts = factsOf(representation, bytes.size)
      template = { representation, response, facts, isKept: true }
      templates.set(bytes, template)
    }
    return template
  }
}

function headersOnly(representation: Representation, size: number): Answer {
  const { status } = representation
  const headers = { ...representation.headers, 'content-length': String(size) }
  return { response: new Response(null, { status, headers }), facts: factsOf(representation, size) }
}

function factsOf({ status, contentType }: Representation, contentLength: number): AnswerFacts {
  return { status, contentType, contentLength }
}

function rangeNotSatisfiable(size: number): Answer {
  const answer = errorPage(416, 'Range not satisfiable', `The file has ${size} bytes.`)
  answer.response.headers.set('content-range', `bytes */${size}`)
  return answer
}
