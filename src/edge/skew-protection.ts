import { staticCacheControl } from './file-headers.ts'
import type { Site } from './site.ts'
import { splitUrl } from './split-url.ts'

/** Which deployment answers, where a branch has skew protection (contract/hosting-behaviour.md §6.7). */

const headerName = 'x-amplify-dpl'
const queryName = 'dpl'
const cookieName = '_dpl'

interface AskedFor {
  url: string
  header(name: string): string | null
}

/**
 * The id of the deployment that a request asks for: by header, else by query, else by cookie.
 * @returns undefined for the one that is live, also where another is asked for that is unknown or no longer kept
 */
export function askedDeployment(site: Site, { url, header }: AskedFor): string | undefined {
  const asked = header(headerName) || queryValue(url) || pinnedBy(header)
  if (!asked || asked === site.deployment?.deploymentId) return undefined
  return site.skewProtected?.has(asked) ? asked : undefined
}

function queryValue(url: string): string | null {
  if (!url.includes(`${queryName}=`)) return null
  return new URLSearchParams(splitUrl(url).query).get(queryName)
}

/** A visitor who opens a page gets the newest one, and with it its cookie; everything that a page asks for follows that. */
function pinnedBy(header: AskedFor['header']): string | undefined {
  return header('sec-fetch-dest') === 'document' ? undefined : cookieValue(header)
}

function cookieValue(header: AskedFor['header']): string | undefined {
  for (const pair of (header('cookie') ?? '').split(';')) {
    const [name = '', value = ''] = pair.split('=', 2)
    if (name.trim() === cookieName) return value.trim()
  }
  return undefined
}

/** What is said of an answer of a branch with skew protection. */
export interface ShownDeployment {
  /** Undefined for what is no answer of a deployment. */
  deploymentId: string | undefined
  /** Whether it is a page, which a browser opens and whose assets it asks for next. */
  isDocument: boolean
  /** Whether the visitor came by https; asked only for a page, as it may cost a look at the connection. */
  isSecure(): boolean
}

/**
 * Adds to an answer what keeps visitors with their deployment and caches from mixing them: nobody but the visitor's browser
 * keeps what says nothing else, and who may keep it is told what it depends on.
 */
export function markAnswer(
  response: Response,
  { header }: AskedFor,
  { deploymentId, isDocument, isSecure }: ShownDeployment,
): void {
  const { headers } = response
  headers.append('vary', 'X-Amplify-Dpl, Cookie')
  if (headers.get('cache-control') === staticCacheControl) headers.set('cache-control', 'private, max-age=0')
  if (!isDocument || deploymentId === undefined || !opensPage(header)) return
  if (cookieValue(header) === deploymentId) return
  const secure = isSecure() ? ' Secure;' : ''
  headers.append('set-cookie', `${cookieName}=${deploymentId}; Path=/; HttpOnly;${secure} SameSite=Lax`)
}

/** Not for a page that a script fetches or a frame shows: other tabs have the same cookie. */
function opensPage(header: AskedFor['header']): boolean {
  const destination = header('sec-fetch-dest')
  return destination === null || destination === 'document'
}
