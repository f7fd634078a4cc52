import type { CertificateSettings, SubDomainSetting } from '@aws-sdk/client-amplify'

import { hostOf, isWithin, prefixProblem } from '../model/domain-names.ts'
import type { DomainSettings } from '../model/domains.ts'
import { findBranch } from '../store/branches.ts'
import type { Queries } from '../store/database.ts'
import { findDomainOwner } from '../store/domain-associations.ts'
import { listTakenHosts } from '../store/domain-hosts.ts'
import type { DomainAssociationRow, DomainHostRow } from '../store/schema.ts'
import { checkBranchPatterns } from './branch-patterns.ts'
import type { Services } from './context.ts'
import { BadRequestException } from './errors.ts'
import { defined, orCleared } from './members.ts'

/** What CreateDomainAssociation and UpdateDomainAssociation have in common besides the sub-domains. */
interface DomainMembers {
  enableAutoSubDomain?: boolean | undefined
  autoSubDomainCreationPatterns?: string[] | undefined
  autoSubDomainIAMRole?: string | undefined
  certificateSettings?: CertificateSettings | undefined
}

/** A domain association of which nothing was said. */
export const bareDomain: DomainSettings = { enableAutoSubDomain: false }

/**
 * Applies what a client sent to what is set: absent is unchanged, `""` and `[]` clear.
 * @throws {BadRequestException}
 */
export function changedDomain(settings: DomainSettings, sent: DomainMembers): DomainSettings {
  if (sent.autoSubDomainCreationPatterns)
    checkBranchPatterns('autoSubDomainCreationPatterns', sent.autoSubDomainCreationPatterns)
  const { autoSubDomainCreationPatterns: patterns = settings.autoSubDomainCreationPatterns } = sent
  return defined<DomainSettings>({
    enableAutoSubDomain: sent.enableAutoSubDomain ?? settings.enableAutoSubDomain,
    autoSubDomainCreationPatterns: patterns?.length === 0 ? undefined : patterns,
    autoSubDomainIAMRole: orCleared(sent.autoSubDomainIAMRole, settings.autoSubDomainIAMRole),
    certificateSettings: checkedCertificate(sent.certificateSettings) ?? settings.certificateSettings,
  })
}

function checkedCertificate(sent: CertificateSettings | undefined): DomainSettings['certificateSettings'] {
  if (sent === undefined) return undefined
  const { type, customCertificateArn } = sent
  if (type === 'CUSTOM' && !customCertificateArn) {
    throw new BadRequestException('A certificate of the type CUSTOM needs its customCertificateArn.')
  }
  return defined<NonNullable<DomainSettings['certificateSettings']>>({
    type: type!,
    customCertificateArn: type === 'CUSTOM' ? customCertificateArn : undefined,
  })
}

/**
 * The hosts that the sub-domains name.
 * @param current hosts so far: a record that was seen need not be looked for again
 * @throws {BadRequestException} for what can be no host, is there twice, or has no branch
 */
export async function hostsOfSettings(
  queries: Queries,
  domain: Pick<DomainAssociationRow, 'domainId' | 'appId' | 'domainName' | 'ownedAt'>,
  accountId: string,
  settings: SubDomainSetting[],
  current: DomainHostRow[],
  { domainRecords }: Pick<Services, 'domainRecords'>,
): Promise<DomainHostRow[]> {
  const { domainId, appId, domainName } = domain
  const rows: DomainHostRow[] = []
  for (const [position, { prefix, branchName }] of settings.entries()) {
    const problem = prefixProblem(prefix!, domainName)
    if (problem !== undefined) {
      throw new BadRequestException(
        `The prefix ${JSON.stringify(prefix)} cannot begin a host of ${domainName}: ${problem}.`,
      )
    }
    const host = hostOf(prefix!, domainName)
    refuseOwnHost(host, domainRecords.suffix)
    if (rows.some((row) => row.host === host)) {
      throw new BadRequestException(
        `The prefix ${JSON.stringify(prefix)} is there twice in subDomainSettings. A sub-domain points to one branch.`,
      )
    }
    const verified = current.some((row) => row.host === host && row.verified)
    rows.push({
      domainId,
      prefix: prefix!,
      position,
      host,
      accountId,
      branchName: branchName!,
      verified,
      owned: domain.ownedAt !== null,
    })
  }
  for (const branchName of new Set(rows.map((row) => row.branchName))) {
    if (!(await findBranch(queries, appId, branchName))) {
      throw new BadRequestException('A subdomain cannot point to a non-existent branch')
    }
  }
  return rows
}

/**
 * The names of the sites themselves are nobody's to claim.
 * @throws {BadRequestException}
 */
export function refuseOwnHost(host: string, sitesSuffix: string): void {
  if (!isWithin(host, sitesSuffix)) return
  throw new BadRequestException(
    `${host} lies below ${sitesSuffix}, where this server's own sites are. Use a domain of your own.`,
  )
}

/**
 * A host belongs to one app only. Within an account it is asked for once; a claim of another account counts once its
 * ownership is proven, so that nobody can keep the owner out by asking first.
 * @throws {BadRequestException} in the words of AWS (contract/api-behaviour.md §6)
 */
export async function refuseTaken(
  queries: Queries,
  domain: Pick<DomainAssociationRow, 'domainId' | 'domainName'>,
  accountId: string,
  rows: DomainHostRow[],
): Promise<void> {
  const taken = await takenNames(queries, domain, accountId, rows)
  if (taken.length === 0) return
  throw new BadRequestException(
    `One or more domains requested are already associated with another Amplify app: ${taken.join(', ')}`,
  )
}

async function takenNames(
  queries: Queries,
  { domainId, domainName }: Pick<DomainAssociationRow, 'domainId' | 'domainName'>,
  accountId: string,
  rows: DomainHostRow[],
): Promise<string[]> {
  const hosts = rows.map(({ host }) => host)
  const taken = await listTakenHosts(queries, { domainId, accountId }, hosts)
  if (taken.length > 0) return taken
  const owner = await findDomainOwner(queries, domainName)
  return owner && owner.domainId !== domainId ? [domainName] : []
}
