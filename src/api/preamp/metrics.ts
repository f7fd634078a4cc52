import { latencyBounds, type SiteMetrics } from '../../model/site-metrics.ts'
import { countRunningJobs, countWaitingJobs } from '../../store/jobs.ts'
import { equalInConstantTime } from '../constant-time.ts'
import type { Services } from '../context.ts'
import { AccessDeniedException, NotFoundException } from '../errors.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'

/**
 * `GET /_preamp/metrics` in the text format of Prometheus, for who brings the bearer token that the server was started with:
 * they are of the apps of all accounts, and Prometheus cannot sign as clients of AWS do.
 * @throws {NotFoundException} where the server has no token
 * @throws {AccessDeniedException}
 */
export async function metrics(
  { headers }: HttpRequest,
  { metrics: { token, read }, database, buildShortage }: Services,
): Promise<HttpResponse> {
  if (token === undefined) {
    throw new NotFoundException(
      'This server shows no metrics: PREAMP_METRICS_TOKEN, by which they are read, is not set.',
    )
  }
  const sent = /^bearer +(\S+)$/i.exec(headers.get('authorization')?.join() ?? '')?.[1]
  if (sent === undefined || !equalInConstantTime(sent, token)) {
    throw new AccessDeniedException('The metrics are for who sends PREAMP_METRICS_TOKEN as a bearer token.')
  }
  const { queries } = database
  const [{ sites, processes }, waiting, running, shortage] = await Promise.all([
    read(),
    countWaitingJobs(queries),
    countRunningJobs(queries),
    buildShortage(),
  ])
  const gauges: Gauge[] = [
    ['preamp_jobs_waiting', 'Jobs that wait for a worker, on all servers of the database.', waiting],
    ['preamp_jobs_running', 'Jobs at work, on all servers of the database.', running],
    [
      'preamp_builds_paused',
      '1 while no job is begun for want of room on the disk.',
      shortage === undefined ? 0 : 1,
    ],
    ['preamp_edge_processes', 'Processes of this server that serve sites.', processes],
  ]
  return {
    status: 200,
    headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' },
    body: [
      ...counters.map((counter) => counterText(counter, sites)),
      latencyText(sites),
      ...gauges.map(gaugeText),
    ].join(''),
  }
}

type Gauge = [name: string, help: string, value: number]
type Counter = [name: string, help: string, valueOf: (site: SiteMetrics) => number]

/** Amplify's metrics in Prometheus's spelling (contract/hosting-behaviour.md §8.3), then our own. */
const counters: Counter[] = [
  ['amplify_requests_total', 'Requests: those that a site answered.', ({ requests }) => requests],
  [
    'amplify_bytes_downloaded_total',
    'BytesDownloaded: contents of answers, as far as their length is known when they begin.',
    ({ bytesDownloaded }) => bytesDownloaded,
  ],
  [
    'amplify_bytes_uploaded_total',
    'BytesUploaded: contents of requests, as they were announced.',
    ({ bytesUploaded }) => bytesUploaded,
  ],
  [
    'amplify_4xx_errors_total',
    '4XXErrors: answers with a status from 400 to 499.',
    ({ clientErrors }) => clientErrors,
  ],
  [
    'amplify_5xx_errors_total',
    '5XXErrors: answers with a status from 500 on.',
    ({ serverErrors }) => serverErrors,
  ],
  [
    'preamp_pattern_overruns_total',
    'Patterns of rules and custom headers that took too long and so did not match.',
    ({ patternOverruns }) => patternOverruns,
  ],
]

function counterText([name, help, valueOf]: Counter, sites: SiteMetrics[]): string {
  const lines = sites.map((site) => `${name}{${labels(site)}} ${valueOf(site)}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join('')}`
}

function gaugeText([name, help, value]: Gauge): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`
}

function latencyText(sites: SiteMetrics[]): string {
  const name = 'amplify_latency_seconds'
  const lines = sites.map((site) => {
    let count = 0
    const buckets = [...latencyBounds, '+Inf'].map((bound, place) => {
      count += site.latencyCounts[place]!
      return `${name}_bucket{${labels(site)},le="${bound}"} ${count}\n`
    })
    return `${buckets.join('')}${name}_sum{${labels(site)}} ${site.latencySeconds}\n${name}_count{${labels(site)}} ${count}\n`
  })
  return `# HELP ${name} Latency: from a request's arrival until its answer is ready.\n# TYPE ${name} histogram\n${lines.join('')}`
}

const labels = ({ appId, branchName }: SiteMetrics) => `app="${escape(appId)}",branch="${escape(branchName)}"`

const escapes: Record<string, string> = { '\\': String.raw`\\`, '"': String.raw`\"`, '\n': String.raw`\n` }
const escape = (text: string) => text.replaceAll(/[\\"\n]/g, (character) => escapes[character]!)
