import { lookUpStatic } from '../model/static-lookup.ts'
import type { FileDecision, Site, SiteAnswer } from './sites.ts'
import { splitUrl } from './split-url.ts'

/** What an edge does with a request; `edge.ts` carries it out. */
export type Decision =
  | FileDecision
  | { kind: 'redirect'; location: string }
  | { kind: 'options' }
  | { kind: 'method-not-allowed' }
  | { kind: Refusal }

/** Each has its page in `pages.ts`. */
export type Refusal = 'invalid-host' | 'malformed-path' | 'unknown-host' | 'never-deployed' | 'not-found'

/** Kept for each site. Only files are: whoever makes up addresses finds none, or adds a query or fragment. */
const decidedUrlsMax = 1000

/**
 * Decides by what the host shows, the method and the URL alone: no I/O, no clock.
 * @param request.url as Bun gives it: absolute and normalised; only the path where the Host is none
 */
export function decide(site: SiteAnswer, request: { method: string; url: string }): Decision {
  if (site === 'invalid' || request.url.startsWith('/')) return { kind: 'invalid-host' }
  if (site === 'unknown') return { kind: 'unknown-host' }
  const { method } = request
  if (method !== 'GET' && method !== 'HEAD') {
    return { kind: method === 'OPTIONS' ? 'options' : 'method-not-allowed' }
  }
  if (site.deploymentId === null) return { kind: 'never-deployed' }
  return site.decided.get(request.url) ?? decideByFiles(site, request.url)
}

function decideByFiles(site: Site, url: string): Decision {
  const { path, query } = splitUrl(url)
  const found = lookUpStatic(site.files, path, query)
  if (found.kind !== 'file') return found
  const file = site.files.get(found.path)!
  const decision: FileDecision = { kind: 'file', site, path: found.path, file }
  if (query === '' && !url.includes('#')) {
    if (site.decided.size >= decidedUrlsMax) site.decided.clear()
    site.decided.set(url, decision)
  }
  return decision
}
