import type { Queries } from './database.ts'
import type { DeploymentRow, JobRow } from './schema.ts'

/** A job that succeeded and whose deployment is kept: one that visitors can be shown again. */
export interface DeployedJob extends Pick<DeploymentRow, 'files' | 'bytes'> {
  job: JobRow
}

/**
 * Jobs of a branch whose deployments can be shown, newest first.
 * @param page.before only jobs with a lower number
 * @param page.deployedBefore only deployments that are older than this
 */
export async function listDeployedJobs(
  queries: Queries,
  branchId: string,
  page: { before?: number | undefined; deployedBefore?: number | undefined; limit: number },
): Promise<DeployedJob[]> {
  const rows = await queries
    .selectFrom('jobs')
    .innerJoin('deployments', 'deployments.jobKey', 'jobs.jobKey')
    .selectAll('jobs')
    .select(['deployments.files', 'deployments.bytes'])
    .where('jobs.branchId', '=', branchId)
    .where('jobs.status', '=', 'SUCCEED')
    .$if(page.before !== undefined, (query) => query.where('jobs.number', '<', page.before!))
    .$if(page.deployedBefore !== undefined, (query) =>
      query.where('deployments.createdAt', '<', page.deployedBefore!),
    )
    .orderBy('jobs.number', 'desc')
    .limit(page.limit)
    .execute()
  return rows.map(({ files, bytes, ...job }) => ({ job, files, bytes }))
}
