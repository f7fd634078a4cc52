import type { App, ProductionBranch } from '@aws-sdk/client-amplify'

import { appArn } from '../model/arn.ts'
import { computeTypeDefault } from '../model/compute-types.ts'
import type { AppSecrets } from '../model/settings.ts'
import { findProductionBranches, type ProductionBranchRow } from '../store/branch-overview.ts'
import type { Queries } from '../store/database.ts'
import type { AppRow } from '../store/schema.ts'
import type { Services } from './context.ts'
import { cloneMethod } from './repository.ts'

/**
 * Apps as every operation answers them (contract/api-behaviour.md §2). Tokens are left out, `productionBranch` and
 * `autoBranchCreationConfig` are absent while there are none.
 */
export async function viewApps(queries: Queries, rows: AppRow[], services: Services): Promise<App[]> {
  const production = await findProductionBranches(
    queries,
    rows.map(({ appId }) => appId),
  )
  return rows.map((row) => viewApp(row, production.get(row.appId), services))
}

export async function viewOneApp(queries: Queries, row: AppRow, services: Services): Promise<App> {
  const [app] = await viewApps(queries, [row], services)
  return app!
}

function viewApp(row: AppRow, production: ProductionBranchRow | undefined, services: Services): App {
  const { settings } = row
  const secrets = openAppSecrets(row, services)
  return {
    appId: row.appId,
    appArn: appArn(row, row.appId),
    name: row.name,
    tags: row.tags,
    description: settings.description ?? '',
    repository: settings.repository ?? '',
    platform: settings.platform,
    createTime: new Date(row.createdAt),
    updateTime: new Date(row.updatedAt),
    computeRoleArn: settings.computeRoleArn,
    iamServiceRoleArn: settings.iamServiceRoleArn,
    environmentVariables: settings.environmentVariables ?? {},
    defaultDomain: services.defaultDomain(row.appId),
    enableBranchAutoBuild: settings.enableBranchAutoBuild,
    enableBranchAutoDeletion: settings.enableBranchAutoDeletion ?? false,
    enableBasicAuth: settings.enableBasicAuth,
    basicAuthCredentials: secrets.basicAuthCredentials,
    customRules: settings.customRules ?? [],
    productionBranch: production && viewProductionBranch(production),
    buildSpec: settings.buildSpec,
    customHeaders: settings.customHeaders ?? '',
    enableAutoBranchCreation: settings.enableAutoBranchCreation ?? false,
    autoBranchCreationPatterns: settings.autoBranchCreationPatterns,
    autoBranchCreationConfig: settings.autoBranchCreationConfig && {
      ...settings.autoBranchCreationConfig,
      basicAuthCredentials: secrets.autoBranchBasicAuthCredentials,
    },
    repositoryCloneMethod: settings.repository === undefined ? undefined : cloneMethod(settings.repository),
    cacheConfig: settings.cacheConfig ?? { type: 'AMPLIFY_MANAGED' },
    jobConfig: settings.jobConfig ?? { buildComputeType: computeTypeDefault },
  }
}

function viewProductionBranch({ branch, deployment, newestJob }: ProductionBranchRow): ProductionBranch {
  return {
    branchName: branch.name,
    lastDeployTime: deployment && new Date(deployment.createdAt),
    status: newestJob?.status,
  }
}

export function openAppSecrets(row: AppRow, { secrets }: Pick<Services, 'secrets'>): AppSecrets {
  return row.secrets === null ? {} : secrets.open<AppSecrets>(row.secrets)
}
