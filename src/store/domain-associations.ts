import { sql } from 'kysely'

import type { Scope } from '../model/arn.ts'
import type { DomainSettings } from '../model/domains.ts'
import { type CreationPage, inCreationOrder } from './creation-order.ts'
import type { Database, Queries, Transaction } from './database.ts'
import type { DomainAssociationRow } from './schema.ts'

/** Throws a unique violation when the app has an association of that domain, or another one owns the domain. */
export async function insertDomain(queries: Queries, row: DomainAssociationRow): Promise<void> {
  await queries.insertInto('domainAssociations').values(row).execute()
}

/** The caller has checked that the app is the caller's own. */
export function findDomain(
  queries: Queries,
  appId: string,
  domainName: string,
): Promise<DomainAssociationRow | undefined> {
  return queries
    .selectFrom('domainAssociations')
    .selectAll()
    .where('appId', '=', appId)
    .where('domainName', '=', domainName)
    .executeTakeFirst()
}

/** The condition of the partial index `ownedDomains`, in its words. */
const isOwned = sql<boolean>`"ownedAt" is not null`

/** The association to which the domain belongs, whosever it is; undefined while nobody has proven to own it. */
export function findDomainOwner(
  queries: Queries,
  domainName: string,
): Promise<Pick<DomainAssociationRow, 'domainId' | 'appId'> | undefined> {
  return queries
    .selectFrom('domainAssociations')
    .select(['domainId', 'appId'])
    .where('domainName', '=', domainName)
    .where(isOwned)
    .executeTakeFirst()
}

/** Undefined for an association that is gone. */
export async function findDomainSettings(
  queries: Queries,
  domainId: string,
): Promise<DomainSettings | undefined> {
  const row = await queries
    .selectFrom('domainAssociations')
    .select('settings')
    .where('domainId', '=', domainId)
    .executeTakeFirst()
  return row?.settings
}

/** Domain associations of an app in the order of their creation. */
export function listDomains(
  queries: Queries,
  appId: string,
  page: CreationPage,
): Promise<DomainAssociationRow[]> {
  const found = queries.selectFrom('domainAssociations').selectAll().where('appId', '=', appId)
  return inCreationOrder(found, 'domainId', page).execute()
}

/** Those of an app whose hosts are served. */
export function listOwnedDomains(queries: Queries, appId: string): Promise<DomainAssociationRow[]> {
  return queries
    .selectFrom('domainAssociations')
    .selectAll()
    .where('appId', '=', appId)
    .where(isOwned)
    .orderBy('createdAt')
    .orderBy('domainId')
    .execute()
}

/** What a look at the DNS, or a client, changes. */
export type DomainChange = Partial<
  Pick<
    DomainAssociationRow,
    | 'settings'
    | 'tags'
    | 'status'
    | 'statusReason'
    | 'updateStatus'
    | 'ownedAt'
    | 'checkingSince'
    | 'nextCheckAt'
    | 'checkedAt'
    | 'checks'
    | 'updatedAt'
  >
>

export async function updateDomain(queries: Queries, domainId: string, change: DomainChange): Promise<void> {
  await queries.updateTable('domainAssociations').set(change).where('domainId', '=', domainId).execute()
}

/** Deletes the association and, by the reference, its hosts. */
export async function deleteDomain(queries: Queries, domainId: string): Promise<void> {
  await queries.deleteFrom('domainAssociations').where('domainId', '=', domainId).execute()
}

/** A domain that one process looks at until its lease ends, and what belongs to it. */
export interface ClaimedDomain {
  domain: DomainAssociationRow
  scope: Scope
}

/**
 * Claims the domain whose records are to be looked at first, in one statement: until the lease ends nobody else finds it.
 * Undefined when none is due, but for those of the accounts that are left out.
 */
export async function claimDueDomain(
  database: Database,
  claim: { now: number; leaseExpiresAt: number; exceptAccounts: readonly string[] },
): Promise<ClaimedDomain | undefined> {
  const { queries, kind } = database
  const domain = await queries
    .updateTable('domainAssociations')
    .set(claimed(claim.leaseExpiresAt))
    .where('domainId', '=', (eb) => {
      const due = eb
        .selectFrom('domainAssociations as due')
        .select('due.domainId')
        .where('due.nextCheckAt', '<=', claim.now)
        .$if(claim.exceptAccounts.length > 0, (of) =>
          of
            .innerJoin('apps', 'apps.appId', 'due.appId')
            .where('apps.accountId', 'not in', claim.exceptAccounts),
        )
        .orderBy('due.nextCheckAt')
        .limit(1)
      return kind === 'postgres' ? due.forUpdate('due').skipLocked() : due
    })
    .returningAll()
    .executeTakeFirst()
  return withScope(queries, domain)
}

/** A new association waits for its record from the first look on, however long that takes. */
const claimed = (leaseExpiresAt: number) => ({
  nextCheckAt: leaseExpiresAt,
  status: sql<never>`case when "status" = 'CREATING' then 'PENDING_VERIFICATION' else "status" end`,
})

async function withScope(
  queries: Queries,
  domain: DomainAssociationRow | undefined,
): Promise<ClaimedDomain | undefined> {
  const scope =
    domain &&
    (await queries
      .selectFrom('apps')
      .select(['accountId', 'region'])
      .where('appId', '=', domain.appId)
      .executeTakeFirst())
  return domain && scope && { domain, scope }
}

/**
 * Stores what a look found, or gives the claim back; false when the association was changed, claimed by another or deleted
 * since, so that what was found may not be true of it. Throws a unique violation when the domain has another owner.
 * @param claim as it was claimed
 */
export async function settleDomain(
  transaction: Transaction,
  claim: DomainAssociationRow,
  change: DomainChange,
): Promise<boolean> {
  const result = await transaction
    .updateTable('domainAssociations')
    .set(change)
    .where('domainId', '=', claim.domainId)
    .where('nextCheckAt', '=', claim.nextCheckAt)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}
