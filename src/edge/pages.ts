import type { Refusal } from './decide.ts'

/** Answers without a file behind them. Nothing of the request is repeated in them, and no cache keeps an error. */

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
}
const refusals: Record<Refusal, { status: number; title: string; text: string }> = {
  'invalid-host': { status: 400, title: 'Bad request', text: 'The request names no valid host.' },
  'malformed-path': {
    status: 400,
    title: 'Bad request',
    text: 'The address holds a broken percent-encoding.',
  },
  'unknown-host': { status: 404, title: 'Not found', text: 'There is no site at this address.' },
  'never-deployed': { status: 404, title: 'Not found', text: 'This branch has not been deployed yet.' },
  'not-found': { status: 404, title: 'Not found', text: 'There is no page at this address.' },
}
const allowedMethods = 'GET, HEAD, OPTIONS'

/**
 * A small page for people.
 * @param head the answer is to HEAD: the same headers and no body
 */
export function errorPage(status: number, title: string, text: string, head = false): Response {
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem;color:#333}</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`
  if (!head) return new Response(page, { status, headers })
  return new Response(null, { status, headers: { ...headers, 'content-length': String(page.length) } })
}

export function refuse(refusal: Refusal, head: boolean): Response {
  const { status, title, text } = refusals[refusal]
  return errorPage(status, title, text, head)
}

export function methodNotAllowed(): Response {
  const response = errorPage(405, 'Method not allowed', 'This site answers GET and HEAD.')
  response.headers.set('allow', allowedMethods)
  return response
}

export function answerOptions(): Response {
  return new Response(null, { status: 204, headers: { allow: allowedMethods } })
}

export function redirect(location: string, cacheControl: string): Response {
  return new Response(null, { status: 301, headers: { location, 'cache-control': cacheControl } })
}
