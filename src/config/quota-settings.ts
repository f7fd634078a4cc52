import { z } from 'zod'

import { quotaPresets, type Quotas } from '../model/quotas.ts'
import { setting } from './setting.ts'

/** A number that goes before the one of the preset. */
function quota(name: keyof Quotas, variable: string, description: string) {
  const { generous, aws } = quotaPresets
  return setting(
    variable,
    z.coerce.number('must be a number').int().min(0).max(1_000_000).optional(),
    generous[name] === aws[name] ? String(aws[name]) : `generous: ${generous[name]}, aws: ${aws[name]}`,
    description,
  )
}

/** How much an account may have of each thing. */
export const quotaSettings = {
  quotas: setting(
    'PREAMP_QUOTAS',
    z.enum(['generous', 'aws']).default('generous'),
    'generous',
    'How much an account may have of each thing: `aws` has the numbers of Amplify’s own quotas. The settings after this one change single numbers.',
  ),
  quotaApps: quota('appsMax', 'PREAMP_QUOTA_APPS', 'Apps of an account, in all regions together.'),
  quotaAppCreations: quota(
    'appCreationsPerHourMax',
    'PREAMP_QUOTA_APP_CREATIONS_PER_HOUR',
    'Apps that an account may create in all regions together within an hour, which begins with the first of them. Apps that are deleted again count too.',
  ),
  quotaBranches: quota('branchesPerAppMax', 'PREAMP_QUOTA_BRANCHES_PER_APP', 'Branches of an app.'),
  quotaDomains: quota('domainsPerAppMax', 'PREAMP_QUOTA_DOMAINS_PER_APP', 'Domain associations of an app.'),
  quotaSubDomains: quota(
    'subDomainsPerDomainMax',
    'PREAMP_QUOTA_SUBDOMAINS_PER_DOMAIN',
    'Sub-domains of a domain association.',
  ),
  quotaWebhooks: quota('webhooksPerAppMax', 'PREAMP_QUOTA_WEBHOOKS_PER_APP', 'Webhooks of an app.'),
  quotaBackendEnvironments: quota(
    'backendEnvironmentsPerAppMax',
    'PREAMP_QUOTA_BACKEND_ENVIRONMENTS_PER_APP',
    'Backend environments of an app.',
  ),
  quotaConcurrentJobs: quota(
    'concurrentJobsMax',
    'PREAMP_QUOTA_CONCURRENT_JOBS',
    'Jobs of an account that run at the same time, on all servers together. Others wait.',
  ),
} as const
