import { newId } from '../../src/model/ids.ts'
import type { DomainAssociationRow, DomainHostRow } from '../../src/store/schema.ts'

/** A domain association that was just created, with every member set. */
export function domainRow(appId: string, row: Partial<DomainAssociationRow> = {}): DomainAssociationRow {
  return {
    domainId: newId(),
    appId,
    domainName: 'example.com',
    settings: { enableAutoSubDomain: false },
    tags: {},
    status: 'CREATING',
    statusReason: null,
    updateStatus: null,
    ownedAt: null,
    checkingSince: 1,
    nextCheckAt: 1,
    checkedAt: null,
    checks: [],
    createdAt: 1,
    updatedAt: 1,
    ...row,
  }
}

/** A host of it, for the branch `main`. */
export function domainHostRow(
  { domainId, domainName, ownedAt }: DomainAssociationRow,
  prefix: string,
  row: Partial<DomainHostRow> = {},
): DomainHostRow {
  return {
    domainId,
    prefix,
    position: 0,
    host: prefix === '' ? domainName : `${prefix}.${domainName}`,
    accountId: '000000000000',
    branchName: 'main',
    verified: false,
    owned: ownedAt !== null,
    ...row,
  }
}
