import type { AccessRefusal } from './access.ts'
import type { Answer } from './answer.ts'
import type { Refusal } from './decide.ts'
import type { HeaderSet } from './header-rules.ts'
import { nextRequestId } from './request-id.ts'

/** Answers without a file behind them. Nothing of the request is repeated in them, and no cache keeps an error. */

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
}
const refusals: Record<Refusal | AccessRefusal, { status: number; title: string; text: string }> = {
  'invalid-host': { status: 400, title: 'Bad request', text: 'The request names no valid host.' },
  'malformed-path': {
    status: 400,
    title: 'Bad request',
    text: 'The address holds a broken percent-encoding.',
  },
  'out-of-target': {
    status: 400,
    title: 'Bad request',
    text: 'The address leads out of what it is meant for.',
  },
  'unknown-host': { status: 404, title: 'Not found', text: 'There is no site at this address.' },
  'never-deployed': { status: 404, title: 'Not found', text: 'This branch has not been deployed yet.' },
  'not-kept': { status: 404, title: 'Not found', text: 'The deployment at this address is not kept.' },
  'not-found': { status: 404, title: 'Not found', text: 'There is no page at this address.' },
  unauthorized: {
    status: 401,
    title: 'Unauthorized',
    text: 'This site asks for a user name and a password.',
  },
  forbidden: { status: 403, title: 'Forbidden', text: 'This site is not shown at your address.' },
  maintenance: {
    status: 503,
    title: 'Maintenance',
    text: 'This site is being worked on. Please try again later.',
  },
}
const allowedMethods = 'GET, HEAD, OPTIONS'

/**
 * A small page for people, with the id by which the operator finds the request in the logs.
 * @param head the answer is to HEAD: the same headers and no body
 */
export function errorPage(
  status: number,
  title: string,
  text: string,
  head = false,
  id = nextRequestId(),
): Answer {
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem;color:#333}small{color:#777}</style>
<h1>${title}</h1>
<p>${text}</p>
<p><small>Request ${id}</small></p>
</html>
`
  const contentLength = Buffer.byteLength(page)
  const facts = { status, contentType: pageHeaders['content-type'], contentLength }
  if (!head) return { headers: new Headers(pageHeaders), body: page, facts, id }
  const headHeaders = { ...pageHeaders, 'content-length': String(contentLength) }
  return { headers: new Headers(headHeaders), body: null, facts, id }
}

export function refuse(refusal: Refusal | AccessRefusal, head: boolean): Answer {
  const { status, title, text } = refusals[refusal]
  const answer = errorPage(status, title, text, head)
  const { headers } = answer
  // By RFC 7617 it is in UTF-8 that browsers send names and passwords.
  if (refusal === 'unauthorized') headers.set('www-authenticate', 'Basic realm="site", charset="UTF-8"')
  if (refusal === 'maintenance') headers.set('retry-after', '120')
  return answer
}

/**
 * For a site without a start page. Its owner may be who reads it.
 * @param folder that was published; empty for files that were handed over
 */
export function noStartPage(folder: string, head: boolean): Answer {
  const place =
    folder === '' ? 'at the root of the published files' : `in the published folder ${Bun.escapeHTML(folder)}`
  const text = `This site has no start page: there is no index.html ${place}. Other pages of it may be there.`
  return errorPage(404, 'Not found', text, head)
}

export function methodNotAllowed(): Answer {
  const answer = errorPage(405, 'Method not allowed', 'This site answers GET and HEAD.')
  answer.headers.set('allow', allowedMethods)
  return answer
}

export function answerOptions(): Answer {
  return withoutContent(204, { allow: allowedMethods })
}

export function redirect(status: 301 | 302, location: string, cacheControl: string): Answer {
  return withoutContent(status, { location, 'cache-control': cacheControl })
}

/** An answer that is its status and headers alone. */
export function withoutContent(status: number, headers: Record<string, string>): Answer {
  return { headers: new Headers(headers), body: null, facts: { status } }
}

const successes = new Set([200, 206, 304])

/** Adds the headers of the site, but for one: caches keep successes alone (contract/hosting-behaviour.md §6.1). */
export function withHeaders(answer: Answer, { headers: custom, vary }: HeaderSet): Answer {
  const { headers } = answer
  for (const [name, value] of Object.entries(custom)) {
    if (name !== 'cache-control' || successes.has(answer.facts.status)) headers.set(name, value)
  }
  if (vary !== undefined) headers.append('vary', vary)
  return answer
}
