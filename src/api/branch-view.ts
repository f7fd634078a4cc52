import type { Branch } from '@aws-sdk/client-amplify'

import { branchArn } from '../model/arn.ts'
import { paddedJobNumber } from '../model/jobs.ts'
import type { BranchSecrets } from '../model/settings.ts'
import { type BranchOverview, findBranchOverviews } from '../store/branch-overview.ts'
import type { Queries } from '../store/database.ts'
import type { AppRow, BranchRow } from '../store/schema.ts'
import type { Services } from './context.ts'
import { findCustomDomains } from './custom-domains.ts'

/** Branches of one app as every operation answers them (contract/api-behaviour.md §3). */
export async function viewBranches(
  queries: Queries,
  app: AppRow,
  rows: BranchRow[],
  services: Services,
): Promise<Branch[]> {
  const overviewOf = await findBranchOverviews(
    queries,
    rows.map(({ branchId }) => branchId),
  )
  const customDomainsOf = await findCustomDomains(queries, app.appId)
  return rows.map((row) => ({
    ...viewBranch(app, row, overviewOf(row.branchId), services),
    customDomains: customDomainsOf(row),
  }))
}

export async function viewOneBranch(
  queries: Queries,
  app: AppRow,
  row: BranchRow,
  services: Services,
): Promise<Branch> {
  const [branch] = await viewBranches(queries, app, [row], services)
  return branch!
}

function viewBranch(
  app: AppRow,
  row: BranchRow,
  overview: BranchOverview,
  services: Services,
): Omit<Branch, 'customDomains'> {
  const { settings } = row
  const { activeJobNumber } = overview
  return {
    branchArn: branchArn(app, row.appId, row.name),
    branchName: row.name,
    description: settings.description ?? '',
    tags: row.tags,
    // Not in the enum, and yet what an unset stage is answered as.
    stage: settings.stage ?? ('NONE' as never),
    displayName: row.displayName,
    enableNotification: settings.enableNotification,
    createTime: new Date(row.createdAt),
    updateTime: new Date(row.updatedAt),
    environmentVariables: settings.environmentVariables ?? {},
    enableAutoBuild: settings.enableAutoBuild,
    enableSkewProtection: settings.enableSkewProtection ?? false,
    framework: settings.framework ?? '',
    activeJobId: activeJobNumber === undefined ? '' : paddedJobNumber(activeJobNumber),
    totalNumberOfJobs: String(row.jobCount),
    enableBasicAuth: settings.enableBasicAuth,
    enablePerformanceMode: settings.enablePerformanceMode ?? false,
    basicAuthCredentials: openBranchSecrets(row, services).basicAuthCredentials,
    buildSpec: settings.buildSpec,
    ttl: settings.ttl,
    enablePullRequestPreview: settings.enablePullRequestPreview,
    pullRequestEnvironmentName: settings.pullRequestEnvironmentName,
    backendEnvironmentArn: settings.backendEnvironmentArn,
    backend: settings.backend ?? {},
    computeRoleArn: settings.computeRoleArn,
  }
}

export function openBranchSecrets(row: BranchRow, { secrets }: Pick<Services, 'secrets'>): BranchSecrets {
  return row.secrets === null ? {} : secrets.open<BranchSecrets>(row.secrets)
}
