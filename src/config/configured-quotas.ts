import type { Config } from '../config.ts'
import { type Quotas, quotasOf } from '../model/quotas.ts'

/** The numbers of the preset, but for those that are set by themselves. */
export function configuredQuotas(config: Config): Quotas {
  return quotasOf(config.quotas, {
    appsMax: config.quotaApps,
    appCreationsPerHourMax: config.quotaAppCreations,
    branchesPerAppMax: config.quotaBranches,
    domainsPerAppMax: config.quotaDomains,
    subDomainsPerDomainMax: config.quotaSubDomains,
    webhooksPerAppMax: config.quotaWebhooks,
    backendEnvironmentsPerAppMax: config.quotaBackendEnvironments,
    concurrentJobsMax: config.quotaConcurrentJobs,
  })
}
