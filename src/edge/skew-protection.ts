import type { Site } from './site.ts'
import { splitUrl } from './split-url.ts'

/** Which deployment answers, where a branch has skew protection (contract/hosting-behaviour.md §6.7). */

const headerName = 'x-amplify-dpl'
const queryName = 'dpl'
const cookieName = '_dpl'

export type AskedBy = 'header' | 'query' | 'cookie'

/** The ways to ask for a deployment: the first that names one counts. */
const ways: [by: AskedBy, named: (asked: AskedFor) => string | null | undefined][] = [
  ['header', ({ header }) => header(headerName)],
  ['query', ({ url }) => queryValue(url)],
  ['cookie', ({ header }) => pinnedBy(header)],
]

/** What every answer depends on, for caches. */
export const skewVary = 'X-Amplify-Dpl, Cookie'

export interface AskedFor {
  url: string
  header(name: string): string | null
}

/**
 * The id of the deployment that a request asks for: by header, else by query, else by cookie.
 * @param told is called with what is asked for, whether there is such a deployment or not; for who wants to know why
 * @returns undefined for the one that is live, also where another is asked for that is unknown or no longer kept
 */
export function askedDeployment(
  site: Site,
  request: AskedFor,
  told?: (deploymentId: string, by: AskedBy) => void,
): string | undefined {
  for (const [by, named] of ways) {
    const asked = named(request)
    if (!asked) continue
    told?.(asked, by)
    const isEarlier = asked !== site.deployment?.deploymentId && site.skewProtected?.has(asked)
    return isEarlier ? asked : undefined
  }
  return undefined
}

function queryValue(url: string): string | null {
  if (!url.includes(`${queryName}=`)) return null
  return new URLSearchParams(splitUrl(url).query).get(queryName)
}

/** A visitor who opens a page gets the newest one, and with it its cookie; everything that a page asks for follows that. */
function pinnedBy(header: AskedFor['header']): string | undefined {
  return opensInBrowser(header) ? undefined : cookieValue(header)
}

/** Browsers say so over https and on localhost. */
export function opensInBrowser(header: AskedFor['header']): boolean {
  return header('sec-fetch-dest') === 'document'
}

function cookieValue(header: AskedFor['header']): string | undefined {
  for (const pair of (header('cookie') ?? '').split(';')) {
    const [name = '', value = ''] = pair.split('=', 2)
    if (name.trim() === cookieName) return value.trim()
  }
  return undefined
}

/**
 * Gives a visitor who opens a page the cookie of its deployment, unless it is there.
 * @param isSecure whether the visitor came by https; asked only where it matters, as it may cost a look at the connection
 */
export function pinVisitor(
  headers: Headers,
  { header }: Pick<AskedFor, 'header'>,
  { deploymentId, isSecure }: { deploymentId: string; isSecure(): boolean },
): void {
  if (!opensPage(header) || cookieValue(header) === deploymentId) return
  const secure = isSecure() ? ' Secure;' : ''
  const cookie = `${cookieName}=${deploymentId}; Path=/; HttpOnly;${secure} SameSite=Lax`
  headers.append('set-cookie', cookie)
}

/** Not for a page that a script fetches or a frame shows: other tabs have the same cookie. */
function opensPage(header: AskedFor['header']): boolean {
  return header('sec-fetch-dest') === null || opensInBrowser(header)
}
