/** What edges count for each branch of an app, under the names of Amplify's metrics (contract/hosting-behaviour.md §8.3). */
export interface SiteMetrics {
  appId: string
  branchName: string
  requests: number
  /** Of contents, as far as their length is known when an answer begins. */
  bytesDownloaded: number
  /** Of contents, as far as they were announced. */
  bytesUploaded: number
  clientErrors: number
  serverErrors: number
  /** Of all requests together: from a request's arrival until its answer was ready. */
  latencySeconds: number
  /** Requests whose latency lies in each of {@link latencyBounds}, not in an earlier one; the last is for those beyond. */
  latencyCounts: number[]
  /** Patterns of rules and headers that took too long and so did not match. */
  patternOverruns: number
}

/** Upper bounds of latencies, in seconds. Answers out of memory lie below the first. */
export const latencyBounds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const

export function emptyMetrics(appId: string, branchName: string): SiteMetrics {
  return {
    appId,
    branchName,
    requests: 0,
    bytesDownloaded: 0,
    bytesUploaded: 0,
    clientErrors: 0,
    serverErrors: 0,
    latencySeconds: 0,
    latencyCounts: Array<number>(latencyBounds.length + 1).fill(0),
    patternOverruns: 0,
  }
}

export function addMetrics(sum: SiteMetrics, more: SiteMetrics): void {
  sum.requests += more.requests
  sum.bytesDownloaded += more.bytesDownloaded
  sum.bytesUploaded += more.bytesUploaded
  sum.clientErrors += more.clientErrors
  sum.serverErrors += more.serverErrors
  sum.latencySeconds += more.latencySeconds
  for (const [place, count] of more.latencyCounts.entries()) sum.latencyCounts[place]! += count
  sum.patternOverruns += more.patternOverruns
}
