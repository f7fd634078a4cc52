import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import type { ExplainedDeployment, ExplainedSkewProtection, ExplainQuestion } from '../model/explanation.ts'
import type { Database, Queries } from '../store/database.ts'
import { findDeployment, type SiteRow } from '../store/deployments.ts'
import { findJobByKey } from '../store/jobs.ts'
import type { DeploymentRow } from '../store/schema.ts'
import { compileSite, showing } from './compile-site.ts'
import { findEarlierDeployments, noneEarlier } from './earlier-deployments.ts'
import { readDeployment } from './find-site.ts'
import type { Deployment, Site } from './site.ts'
import { type AskedBy, askedDeployment, opensInBrowser } from './skew-protection.ts'

export interface ShownOptions {
  database: Database
  blobs: Blobs
  plainProxies: boolean
  /** Host name of the sites' address. */
  siteSuffix: string
  /** How long assets of a deployment are served after another one took its place. */
  replacedMilliseconds: number
  /** Epoch milliseconds. */
  now(): number
  log: Logger
}

/** A site with the deployment that answers a visit. */
export interface ShownSite {
  site: Site
  /** Those whose files may be answered, by their ids. */
  rows: Map<string, DeploymentRow>
  skewProtection: ExplainedSkewProtection | undefined
}

/** Compiles a site as an edge does (`sites.ts`), and keeps nothing of it. */
export async function findShownSite(
  options: ShownOptions,
  { row, isPermanent }: { row: SiteRow; isPermanent: boolean },
  question: ExplainQuestion,
): Promise<ShownSite> {
  const { queries } = options.database
  const earlier = isPermanent
    ? noneEarlier
    : await findEarlierDeployments(queries, row.branch, { ...options, now: options.now() })
  const deployment = row.deployment ? await readDeployment(options.blobs, row.deployment) : null
  const read = await Promise.all(earlier.replaced.map((one) => readEarlier(options, one)))
  const replaced = read.filter((one) => one !== undefined)
  const { skewProtected } = earlier
  const live = compileSite(row, deployment, options, { isPermanent, replaced, skewProtected })
  const found = [...(row.deployment ? [row.deployment] : []), ...earlier.replaced]
  const rows = new Map(found.map((one) => [one.deploymentId, one]))
  if (!skewProtected) return { site: live, rows, skewProtection: undefined }

  const header = (name: string) => question.headers[name] ?? null
  let asked: ExplainedSkewProtection['asked']
  const chosenId = askedDeployment(live, { url: question.url, header }, (deploymentId, by) => {
    asked = { deploymentId, by }
  })
  const chosen = chosenId === undefined ? undefined : await findDeployment(queries, chosenId)
  const shown = chosen && (await readEarlier(options, chosen))
  if (shown) rows.set(chosen.deploymentId, chosen)
  const skewProtection = {
    asked,
    isEarlier: shown !== undefined,
    reason: whyThisOne(asked, live, shown, opensInBrowser(header)),
  }
  return { site: shown ? showing(live, row, shown, options) : live, rows, skewProtection }
}

/** What is live needs none of it: an edge serves that where an earlier one cannot be read. */
async function readEarlier(
  { blobs, log }: ShownOptions,
  row: DeploymentRow,
): Promise<Deployment | undefined> {
  try {
    return await readDeployment(blobs, row)
  } catch (error) {
    log.error({ err: error, deploymentId: row.deploymentId }, 'an earlier deployment cannot be read')
    return undefined
  }
}

const names: Record<AskedBy, string> = {
  header: 'The header X-Amplify-Dpl',
  query: 'The parameter dpl',
  cookie: 'The cookie _dpl',
}

function whyThisOne(
  asked: ExplainedSkewProtection['asked'],
  live: Site,
  shown: Deployment | undefined,
  isOpened: boolean,
): string {
  if (!asked)
    return isOpened
      ? 'Who opens a page in a browser gets the live deployment, whatever the cookie _dpl names.'
      : 'The live one: the visit names no other, by the header X-Amplify-Dpl, the parameter dpl or the cookie _dpl.'
  const name = names[asked.by]
  if (shown) {
    const except =
      asked.by === 'cookie'
        ? ' A browser that opens a page says so (Sec-Fetch-Dest: document), and gets the live one.'
        : ''
    return `${name} names this one, which was live before.${except}`
  }
  if (asked.deploymentId === live.deployment?.deploymentId) return `${name} names this one, which is live.`
  return `The live one: ${name.charAt(0).toLowerCase()}${name.slice(1)} names ${asked.deploymentId}, which is none that is kept for visitors of this branch.`
}

export async function explainDeployment(
  queries: Queries,
  row: DeploymentRow | undefined,
  { deployment }: Site,
): Promise<ExplainedDeployment | undefined> {
  if (!row || !deployment) return undefined
  return {
    deploymentId: row.deploymentId,
    jobId: await jobIdOf(queries, row),
    deployedAt: row.createdAt / 1000,
    files: row.files,
    bytes: row.bytes,
    appRoot: deployment.appRoot,
  }
}

/** Where a file comes from that the deployment has no more, as a sentence. */
export async function explainKeptFile(queries: Queries, row: DeploymentRow): Promise<string> {
  const jobId = await jobIdOf(queries, row)
  const job = jobId === undefined ? '' : ` of job ${jobId}`
  const until =
    row.replacedAt === null ? '' : `, which was live until ${new Date(row.replacedAt).toISOString()}`
  return `It is not in the deployment that answers: it comes from ${row.deploymentId}${job}${until}, for pages that are still open.`
}

async function jobIdOf(queries: Queries, { jobKey }: DeploymentRow): Promise<string | undefined> {
  const job = jobKey === null ? undefined : await findJobByKey(queries, jobKey)
  return job && String(job.number)
}
