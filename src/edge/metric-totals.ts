import { limits } from '../model/limits.ts'
import { addMetrics, type SiteMetrics } from '../model/site-metrics.ts'

/**
 * Sums of what edges have counted, by branch: they outlive an edge, so that no sum ever falls. Of more branches than a page of
 * metrics shows, those that were visited longest ago are forgotten.
 */
export class MetricTotals {
  readonly #byBranch = new Map<string, SiteMetrics>()

  add(counted: readonly SiteMetrics[]): void {
    for (const metrics of counted) {
      const key = `${metrics.appId} ${metrics.branchName}`
      const sum = this.#byBranch.get(key)
      if (sum) addMetrics(sum, metrics)
      // In the order of their last visits.
      this.#byBranch.delete(key)
      this.#byBranch.set(key, sum ?? metrics)
    }
    for (const key of this.#byBranch.keys()) {
      if (this.#byBranch.size <= limits.metricBranchesMax) break
      this.#byBranch.delete(key)
    }
  }

  list(): SiteMetrics[] {
    return [...this.#byBranch.values()]
  }
}
