import type { Site } from './site.ts'
import { splitUrl } from './split-url.ts'

/** Which deployment answers, where a branch has skew protection (contract/hosting-behaviour.md §6.7). */

const headerName = 'x-amplify-dpl'
const queryName = 'dpl'
const cookieName = '_dpl'

/** What every answer depends on, for caches. */
export const skewVary = 'X-Amplify-Dpl, Cookie'

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
  const destination = header('sec-fetch-dest')
  return destination === null || destination === 'document'
}
