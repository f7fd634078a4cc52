import { limits } from '../model/limits.ts'
import { emptyMetrics, latencyBounds, type SiteMetrics } from '../model/site-metrics.ts'
import type { AnswerFacts } from './answer.ts'
import type { Site } from './site.ts'

export interface SiteCounters {
  /**
   * Counts a request and its answer. It waits for nothing and never fails.
   * @param milliseconds until the answer was ready; 0 for one that was at hand
   */
  count(site: Site, request: Request, facts: AnswerFacts, milliseconds: number): void
  countOverruns(site: Site, patterns: number): void
  /** What was counted since the last time. */
  take(): SiteMetrics[]
}

/**
 * Counts in plain numbers, found by the site's object: a request adds to a few of them and makes nothing. Sites of one branch
 * share theirs; where nobody takes them, those of branches beyond a bound are counted together, as those of no app.
 */
export function createSiteCounters(): SiteCounters {
  let bySite = new WeakMap<Site, SiteMetrics>()
  let byBranch = new Map<string, SiteMetrics>()

  function metricsOf(site: Site): SiteMetrics {
    const known = bySite.get(site)
    if (known) return known
    const isFull = byBranch.size >= limits.metricBranchesMax
    const key = `${site.appId} ${site.branchName}`
    const found = byBranch.get(key) ?? (isFull ? inBranch('', '') : inBranch(site.appId, site.branchName))
    bySite.set(site, found)
    return found
  }

  function inBranch(appId: string, branchName: string): SiteMetrics {
    const key = `${appId} ${branchName}`
    const metrics = byBranch.get(key) ?? emptyMetrics(appId, branchName)
    byBranch.set(key, metrics)
    return metrics
  }

  return {
    count(site, request, { status, contentLength }, milliseconds) {
      const metrics = metricsOf(site)
      metrics.requests += 1
      if (status >= 500) metrics.serverErrors += 1
      else if (status >= 400) metrics.clientErrors += 1
      metrics.latencyCounts[milliseconds === 0 ? 0 : placeOf(milliseconds / 1000)]! += 1
      metrics.latencySeconds += milliseconds / 1000
      const { method } = request
      if (method !== 'HEAD') metrics.bytesDownloaded += contentLength ?? 0
      // What is announced and refused does not come.
      const isTaken = method !== 'HEAD' && method !== 'GET' && status !== 413
      if (isTaken) metrics.bytesUploaded += announcedBytes(request)
    },
    countOverruns(site, patterns) {
      metricsOf(site).patternOverruns += patterns
    },
    take() {
      const taken = [...byBranch.values()]
      bySite = new WeakMap()
      byBranch = new Map()
      return taken
    },
  }
}

function placeOf(seconds: number): number {
  const place = latencyBounds.findIndex((bound) => seconds <= bound)
  return place === -1 ? latencyBounds.length : place
}

function announcedBytes({ headers }: Request): number {
  const length = Number(headers.get('content-length') ?? 0)
  return Number.isSafeInteger(length) && length > 0 ? length : 0
}
