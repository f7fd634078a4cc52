import { matchesPattern } from '../model/branch-patterns.ts'
import { splitHost, wildcardOf } from '../model/domain-names.ts'
import { autoSubDomainPatterns } from '../model/domains.ts'
import type { Queries } from './database.ts'
import { findSite, findSiteOfBranch, type SiteRow } from './deployments.ts'
import { findDomainOwner, findDomainSettings } from './domain-associations.ts'
import { findOwnedHosts, hasHost } from './domain-hosts.ts'

/**
 * Finds what a custom domain's host shows; undefined for a host that is nobody's. A host that is set goes before one that a
 * branch has by itself, and that before a wildcard, which would leave nothing to it.
 * @param host in its one spelling, without port, two labels at least
 */
export async function findDomainSite(queries: Queries, host: string): Promise<SiteRow | undefined> {
  const wildcard = wildcardOf(host)
  const owned = await findOwnedHosts(queries, [host, wildcard])
  const exact = owned.find((row) => row.host === host)
  if (exact) return findSiteOfBranch(queries, exact.appId, exact.branchName)
  const automatic = await findAutomaticSite(queries, host)
  if (automatic) return automatic
  const rest = owned.find((row) => row.host === wildcard)
  return rest && findSiteOfBranch(queries, rest.appId, rest.branchName)
}

/** Of a branch that the domain's patterns select and that has no host of its own in it. */
async function findAutomaticSite(queries: Queries, host: string): Promise<SiteRow | undefined> {
  const { label, parent } = splitHost(host)
  const domain = await findDomainOwner(queries, parent)
  // Anybody can ask for made-up labels: what is large is read for those of branches alone.
  const site = domain && (await findSite(queries, domain.appId, label))
  const settings = site && (await findDomainSettings(queries, domain.domainId))
  if (!settings || !matchesPattern(site.branch.name, autoSubDomainPatterns(settings))) return undefined
  return (await hasHost(queries, domain.domainId, site.branch.name)) ? undefined : site
}
