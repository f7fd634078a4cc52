import { parseRange } from '../../model/byte-range.ts'
import { listsEntityTag } from '../../model/entity-tags.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'

interface Content {
  bytes: Blob
  contentType: string
  /** The name under which browsers save it; without one they show it. */
  fileName?: string
  /** Of bytes that never change; without one each request may see more of them. */
  sha?: string
}

/** Answers GET and HEAD with content or a part of it (RFC 9110 §13, §14). */
export function download(request: HttpRequest, content: Content): HttpResponse {
  const { bytes, contentType, fileName, sha } = content
  const etag = sha === undefined ? undefined : `"${sha}"`
  const headers: Record<string, string> = {
    'Content-Type': contentType,
    'Content-Disposition': fileName === undefined ? 'inline' : `attachment; filename="${fileName}"`,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
    ...(etag === undefined ? {} : { ETag: etag }),
  }
  const ifNoneMatch = header(request, 'if-none-match')
  if (etag !== undefined && ifNoneMatch !== undefined && listsEntityTag(ifNoneMatch, etag, 'weak')) {
    return { status: 304, headers: { ...headers, 'Content-Length': String(bytes.size) }, body: null }
  }
  const ifRange = header(request, 'if-range')
  const mayRange = ifRange === undefined || ifRange === etag
  const wanted = header(request, 'range')
  const range = mayRange && wanted !== undefined ? parseRange(wanted, bytes.size) : 'ignored'
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { ...headers, 'Content-Range': `bytes */${bytes.size}` }, body: null }
  }
  if (range === 'ignored') return answer(request, 200, headers, bytes)
  const { start, end } = range
  const contentRange = { 'Content-Range': `bytes ${start}-${end - 1}/${bytes.size}` }
  return answer(request, 206, { ...headers, ...contentRange }, bytes.slice(start, end))
}

function answer(
  request: HttpRequest,
  status: number,
  headers: Record<string, string>,
  bytes: Blob,
): HttpResponse {
  const body = request.method === 'HEAD' ? null : bytes
  return { status, headers: { ...headers, 'Content-Length': String(bytes.size) }, body }
}

/** The value of a header; several are one list (RFC 9110 §5.3). */
export function header(request: HttpRequest, name: string): string | undefined {
  return request.headers.get(name)?.join(', ')
}
