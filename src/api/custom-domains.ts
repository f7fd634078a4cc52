import { matchesPattern } from '../model/branch-patterns.ts'
import { hostOf } from '../model/domain-names.ts'
import { autoSubDomainPatterns } from '../model/domains.ts'
import type { Queries } from '../store/database.ts'
import { listOwnedDomains } from '../store/domain-associations.ts'
import { listDomainHosts } from '../store/domain-hosts.ts'
import type { BranchRow } from '../store/schema.ts'

/**
 * The hosts of custom domains under which branches of an app are served: those that are set, and those that a branch has
 * by itself, as `store/domain-sites.ts` finds them.
 */
export async function findCustomDomains(
  queries: Queries,
  appId: string,
): Promise<(branch: Pick<BranchRow, 'name' | 'displayName'>) => string[]> {
  const domains = await listOwnedDomains(queries, appId)
  const hostsOf = await listDomainHosts(
    queries,
    domains.map(({ domainId }) => domainId),
  )
  return (branch) =>
    domains.flatMap(({ domainId, domainName, settings }) => {
      const hosts = hostsOf(domainId)
      const own = hosts.filter(({ branchName }) => branchName === branch.name).map(({ host }) => host)
      if (own.length > 0 || !matchesPattern(branch.name, autoSubDomainPatterns(settings))) return own
      const automatic = hostOf(branch.displayName, domainName)
      return hosts.some(({ host }) => host === automatic) ? [] : [automatic]
    })
}
