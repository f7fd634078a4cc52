import type { DomainAssociation } from '@aws-sdk/client-amplify'

import { domainAssociationArn, type Scope } from '../model/arn.ts'
import { ownershipRecordText, subDomainRecordText } from '../model/domain-records.ts'
import { autoSubDomainPatterns } from '../model/domains.ts'
import type { Queries } from '../store/database.ts'
import { listDomainHosts } from '../store/domain-hosts.ts'
import type { DomainAssociationRow, DomainHostRow } from '../store/schema.ts'
import type { Services } from './context.ts'

/** Domain associations as every operation answers them (contract/api-behaviour.md §6). */
export async function viewDomains(
  queries: Queries,
  scope: Scope,
  rows: DomainAssociationRow[],
  services: Pick<Services, 'domainRecords'>,
): Promise<DomainAssociation[]> {
  const hostsOf = await listDomainHosts(
    queries,
    rows.map(({ domainId }) => domainId),
  )
  return rows.map((row) => viewDomain(scope, row, hostsOf(row.domainId), services))
}

export async function viewOneDomain(
  queries: Queries,
  scope: Scope,
  row: DomainAssociationRow,
  services: Pick<Services, 'domainRecords'>,
): Promise<DomainAssociation> {
  const [domain] = await viewDomains(queries, scope, [row], services)
  return domain!
}

function viewDomain(
  scope: Scope,
  row: DomainAssociationRow,
  hosts: DomainHostRow[],
  { domainRecords }: Pick<Services, 'domainRecords'>,
): DomainAssociation {
  const { appId, domainName, settings } = row
  const certificateVerificationDNSRecord = ownershipRecordText(
    domainRecords.ownership(scope, appId, domainName),
  )
  const target = domainRecords.target(appId)
  return {
    domainAssociationArn: domainAssociationArn(scope, appId, domainName),
    domainName,
    enableAutoSubDomain: settings.enableAutoSubDomain,
    autoSubDomainCreationPatterns: settings.enableAutoSubDomain
      ? autoSubDomainPatterns(settings)
      : settings.autoSubDomainCreationPatterns,
    autoSubDomainIAMRole: settings.autoSubDomainIAMRole,
    domainStatus: row.status,
    updateStatus: row.updateStatus ?? undefined,
    statusReason: row.statusReason ?? '',
    certificateVerificationDNSRecord,
    subDomains: hosts.map(({ prefix, branchName, verified }) => ({
      subDomainSetting: { prefix, branchName },
      verified,
      dnsRecord: subDomainRecordText(prefix, target),
    })),
    certificate: {
      type: settings.certificateSettings?.type ?? 'AMPLIFY_MANAGED',
      customCertificateArn: settings.certificateSettings?.customCertificateArn,
      certificateVerificationDNSRecord,
    },
  }
}
