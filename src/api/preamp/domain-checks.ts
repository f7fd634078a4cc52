import { type DomainChange, updateDomain } from '../../store/domain-associations.ts'
import type { DomainAssociationRow } from '../../store/schema.ts'
import { domainResource } from '../authorization.ts'
import { ownDomain } from '../look-up.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'

/** What the last look at the DNS of a domain expected and saw, for people who wait for it. */
export interface DomainChecks extends Pick<
  DomainAssociationRow,
  'domainName' | 'statusReason' | 'updateStatus' | 'checks'
> {
  domainStatus: DomainAssociationRow['status']
  /** In epoch seconds, as times of the API are; null before the first look, and when no other will follow. */
  checkedAt: number | null
  nextCheckAt: number | null
}

export const readDomainChecks: SignedEndpoint = {
  method: 'GET',
  path: '/_preamp/apps/{appId}/domains/{domainName}/checks',
  permission: (caller, members) => ({
    action: 'amplify:GetDomainAssociation',
    ...domainResource(caller, addressOf({ members })),
  }),
  async handle({ caller, services }, call) {
    const { domain } = await ownDomain(services.database.queries, caller, addressOf(call))
    return viewChecks(domain)
  },
}

/**
 * Has the domain looked at next, and begins anew with the same records where the wait was given up. The look is awaited by
 * reading the checks until their `checkedAt` is another than in this answer: a look that had begun before is not kept.
 */
export const verifyDomain: SignedEndpoint = {
  method: 'POST',
  path: '/_preamp/apps/{appId}/domains/{domainName}/verify',
  permission: (caller, members) => ({
    action: 'amplify:UpdateDomainAssociation',
    ...domainResource(caller, addressOf({ members })),
  }),
  async handle({ services, caller }, call) {
    const { database, now, domainsChanged } = services
    const { domain } = await ownDomain(database.queries, caller, addressOf(call))
    const change =
      domain.status === 'FAILED' ? restarted(Math.max(now(), domain.createdAt)) : { nextCheckAt: now() }
    await updateDomain(database.queries, domain.domainId, change)
    domainsChanged()
    return viewChecks({ ...domain, ...change })
  },
}

const restarted = (startedAt: number): DomainChange => ({
  status: 'PENDING_VERIFICATION',
  statusReason: null,
  checkingSince: startedAt,
  nextCheckAt: startedAt,
  updatedAt: startedAt,
})

const addressOf = ({ members }: Pick<EndpointCall, 'members'>) => ({
  appId: members['appId']!,
  domainName: members['domainName']!,
})

function viewChecks(domain: DomainAssociationRow): DomainChecks {
  const { domainName, status, statusReason, updateStatus, checks, checkedAt, nextCheckAt } = domain
  return {
    domainName,
    domainStatus: status,
    statusReason,
    updateStatus,
    checkedAt: checkedAt && checkedAt / 1000,
    nextCheckAt: nextCheckAt && nextCheckAt / 1000,
    checks,
  }
}
