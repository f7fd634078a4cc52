import { updateDomain } from '../../store/domain-associations.ts'
import type { DomainAssociationRow } from '../../store/schema.ts'
import { domainResource } from '../authorization.ts'
import type { OperationContext } from '../context.ts'
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

/** Looks at once, and begins anew with the same records where the wait was given up. */
export const verifyDomain: SignedEndpoint = {
  method: 'POST',
  path: '/_preamp/apps/{appId}/domains/{domainName}/verify',
  permission: (caller, members) => ({
    action: 'amplify:UpdateDomainAssociation',
    ...domainResource(caller, addressOf({ members })),
  }),
  async handle(context, call) {
    const { services, caller } = context
    const { domain } = await ownDomain(services.database.queries, caller, addressOf(call))
    if (domain.status === 'FAILED') await restart(context, domain)
    await services.lookAtDomain(domain.domainId)
    return viewChecks((await ownDomain(services.database.queries, caller, addressOf(call))).domain)
  },
}

async function restart(
  { services: { database, now } }: OperationContext,
  { domainId, createdAt }: DomainAssociationRow,
): Promise<void> {
  const startedAt = Math.max(now(), createdAt)
  await updateDomain(database.queries, domainId, {
    status: 'PENDING_VERIFICATION',
    statusReason: null,
    checkingSince: startedAt,
    nextCheckAt: startedAt,
    updatedAt: startedAt,
  })
}

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
