import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { parseRange } from '../model/byte-range.ts'
import type { ManifestFile } from '../model/manifest.ts'
import { chooseEncoding } from './accept-encoding.ts'
import { evaluateConditions, ifRangeHolds } from './conditions.ts'
import { createFileBytes } from './file-bytes.ts'
import { type FileRepresentations, type Representation, representFile } from './file-headers.ts'
import { errorPage } from './pages.ts'
import type { FileDecision } from './sites.ts'

export interface Files {
  /**
   * Answers GET or HEAD with a file of the site: its encoding, conditions and range.
   */
  send(request: Request, decision: FileDecision): Response | Promise<Response>
}

export function createFiles(options: { blobs: Blobs; memoryBytes: number; log: Logger }): Files {
  const { blobs } = options
  const fileBytes = createFileBytes(options)
  const respond = createResponder()
  const represented = new WeakMap<ManifestFile, FileRepresentations>()

  function representations({ site, path, file }: FileDecision): FileRepresentations {
    let found = represented.get(file)
    if (!found) {
      found = representFile(path, file, site.modifiedAt)
      represented.set(file, found)
    }
    return found
  }

  function send(request: Request, decision: FileDecision): Response | Promise<Response> {
    const { file } = decision
    const { identity, encoded } = representations(decision)
    const { headers } = request
    const range = request.method === 'GET' ? headers.get('range') : null
    // A range is one of the file as it is: no client asks for parts of something compressed on the way.
    if (!encoded || range !== null) return sendIdentity(request, file, identity, range)
    const encoding = chooseEncoding(headers.get('accept-encoding'))
    if (encoding === 'identity') return sendIdentity(request, file, identity, null)

    const representation = encoded[encoding]
    const early = answerWithoutBody(request, representation)
    if (early) return early
    const packed = fileBytes.encoded(file, encoding, representation.key)
    const finish = (bytes: Blob | 'not-packed') =>
      bytes === 'not-packed'
        ? sendIdentity(request, file, identity, null)
        : respond(request, representation, bytes)
    return packed instanceof Promise ? packed.then(finish) : finish(packed)
  }

  function sendIdentity(
    request: Request,
    file: ManifestFile,
    representation: Representation,
    range: string | null,
  ): Response | Promise<Response> {
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
      return new Response(blobs.open(file.sha).slice(0, file.size), { headers: representation.headers })
    }
    return bytes instanceof Promise
      ? bytes.then((read) => respond(request, representation, read))
      : respond(request, representation, bytes)
  }

  async function sendPart(
    file: ManifestFile,
    { headers }: Representation,
    { start, end }: { start: number; end: number },
  ): Promise<Response> {
    const whole = (await fileBytes.identity(file)) ?? blobs.open(file.sha)
    return new Response(whole.slice(start, end), {
      status: 206,
      headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${file.size}` },
    })
  }

  return { send }
}

function answerWithoutBody(request: Request, representation: Representation): Response | undefined {
  const outcome = evaluateConditions(request.headers, representation)
  if (outcome === 'send') return undefined
  if (outcome === 'not-modified') {
    return new Response(null, { status: 304, headers: representation.notModifiedHeaders })
  }
  return errorPage(412, 'Precondition failed', 'This page has changed.', request.method === 'HEAD')
}

/**
 * Answers with bytes in memory. The first answer is kept with them and copied for the others: copying a Response that has a
 * Blob shares its bytes and costs a sixth of making one from a header record (bench/static.ts).
 */
function createResponder() {
  const templates = new WeakMap<Blob, { representation: Representation; response: Response }>()
  return (request: Request, representation: Representation, bytes: Blob): Response => {
    if (request.method === 'HEAD') return headersOnly(representation, bytes.size)
    let template = templates.get(bytes)
    // Two files of the same bytes may differ in their headers.
    if (template?.representation !== representation) {
      template = { representation, response: new Response(bytes, { headers: representation.headers }) }
      templates.set(bytes, template)
    }
    // The types of undici, which `clone` comes from, do not know what Bun adds to Headers.
    return template.response.clone() as Response
  }
}

function headersOnly({ headers }: Representation, size: number): Response {
  return new Response(null, { headers: { ...headers, 'content-length': String(size) } })
}

function rangeNotSatisfiable(size: number): Response {
  const response = errorPage(416, 'Range not satisfiable', `The file has ${size} bytes.`)
  response.headers.set('content-range', `bytes */${size}`)
  return response
}
