import type { Queries } from './database.ts'
import type { BranchRow, DeploymentRow, JobRow } from './schema.ts'

/** What is shown with a branch and lies in other tables, for a page of branches at once. */
export interface BranchOverview {
  /** Number of the job whose deployment is live; undefined when nothing is live or its job was deleted. */
  activeJobNumber: number | undefined
}

export async function findBranchOverviews(
  queries: Queries,
  branchIds: string[],
): Promise<(branchId: string) => BranchOverview> {
  if (branchIds.length === 0) return () => ({ activeJobNumber: undefined })
  const actives = await queries
    .selectFrom('branches')
    .innerJoin('deployments', 'deployments.deploymentId', 'branches.activeDeploymentId')
    .innerJoin('jobs', 'jobs.jobKey', 'deployments.jobKey')
    .select(['branches.branchId', 'jobs.number'])
    .where('branches.branchId', 'in', branchIds)
    .execute()
  const activeJobNumbers = new Map(actives.map(({ branchId, number }) => [branchId, number]))
  return (branchId) => ({
    activeJobNumber: activeJobNumbers.get(branchId),
  })
}

/** The branch that an app calls its production branch. */
export interface ProductionBranchRow {
  branch: BranchRow
  deployment: DeploymentRow | undefined
  newestJob: JobRow | undefined
}

/** Of each app the oldest branch with `stage` PRODUCTION, by app id. */
export async function findProductionBranches(
  queries: Queries,
  appIds: string[],
): Promise<Map<string, ProductionBranchRow>> {
  if (appIds.length === 0) return new Map()
  const candidates = await queries
    .selectFrom('branches')
    .selectAll()
    .where('appId', 'in', appIds)
    // Settings are JSON text. This leaves out nearly all others; a variable called `stage` is left to the filter below.
    .where('settings', 'like', '%"stage":"PRODUCTION"%' as never)
    .orderBy('createdAt')
    .orderBy('branchId')
    .execute()
  const production = new Map<string, ProductionBranchRow>()
  for (const branch of candidates) {
    if (branch.settings.stage !== 'PRODUCTION' || production.has(branch.appId)) continue
    production.set(branch.appId, {
      branch,
      deployment: await queries
        .selectFrom('deployments')
        .selectAll()
        .where('deploymentId', '=', branch.activeDeploymentId ?? '')
        .executeTakeFirst(),
      newestJob: await queries
        .selectFrom('jobs')
        .selectAll()
        .where('branchId', '=', branch.branchId)
        .orderBy('number', 'desc')
        .limit(1)
        .executeTakeFirst(),
    })
  }
  return production
}
