import { checkByDns, checkNothing } from '../domains/check-records.ts'
import { createDns } from '../domains/dns.ts'
import { createDomainVerifier, type DomainVerifier } from '../domains/verifier.ts'
import type { EdgeSupervisor } from '../edge/supervisor.ts'
import type { LatePart } from '../late-part.ts'
import type { DomainRecords } from '../model/domain-records.ts'
import type { State } from './state.ts'

/** What looks at the DNS of custom domains. */
export function createVerifier(
  parts: Pick<State, 'config' | 'database' | 'log'> & {
    edges: LatePart<EdgeSupervisor>
    records: DomainRecords
  },
): DomainVerifier {
  const { config, database, edges, records, log } = parts
  const isTrusting = config.domainVerification === 'none'
  if (isTrusting) {
    log.warn(
      'custom domains are taken as proven without a look at the DNS: PREAMP_DOMAIN_VERIFICATION is none',
    )
  }
  return createDomainVerifier({
    database,
    check: isTrusting
      ? checkNothing({ records })
      : checkByDns({ dns: createDns(config.dnsServers), records, sitesAddresses: config.sitesAddresses }),
    hoursMax: config.domainVerificationHours,
    sitesChanged: async () => (await edges.get()).sitesChanged(),
    now: Date.now,
    log,
  })
}
