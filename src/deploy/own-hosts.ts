import { isWithin, wildcardOf } from '../model/domain-names.ts'
import type { Queries } from '../store/database.ts'
import { listOwnedDomains } from '../store/domain-associations.ts'
import { listDomainHosts } from '../store/domain-hosts.ts'

/**
 * Which hosts show an app: those of its branches and jobs, and those of its custom domains.
 * @param defaultDomain of the app; its port does not matter
 */
export async function ownHosts(
  queries: Queries,
  appId: string,
  defaultDomain: string,
): Promise<(host: string) => boolean> {
  const domainIds = (await listOwnedDomains(queries, appId)).map(({ domainId }) => domainId)
  const hostsOf = await listDomainHosts(queries, domainIds)
  const hosts = new Set(domainIds.flatMap((domainId) => hostsOf(domainId).map(({ host }) => host)))
  const domain = defaultDomain.replace(/:[0-9]+$/, '')
  return (host) => isWithin(host, domain) || hosts.has(host) || hosts.has(wildcardOf(host))
}
