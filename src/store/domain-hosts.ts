import { sql } from 'kysely'

import type { Queries } from './database.ts'
import type { DomainHostRow } from './schema.ts'

/** Throws a unique violation when a host is asked for twice in its account, or is owned by another association. */
export async function insertDomainHosts(queries: Queries, rows: DomainHostRow[]): Promise<void> {
  if (rows.length > 0) await queries.insertInto('domainHosts').values(rows).execute()
}

/** Hosts of these associations, each in the order in which a client named them. */
export async function listDomainHosts(
  queries: Queries,
  domainIds: string[],
): Promise<(domainId: string) => DomainHostRow[]> {
  if (domainIds.length === 0) return () => []
  const rows = await queries
    .selectFrom('domainHosts')
    .selectAll()
    .where('domainId', 'in', domainIds)
    .orderBy('position')
    .execute()
  const byDomain = Map.groupBy(rows, ({ domainId }) => domainId)
  return (domainId) => byDomain.get(domainId) ?? []
}

/** The hosts of an association become these; throws as {@link insertDomainHosts} does. */
export async function replaceDomainHosts(
  transaction: Queries,
  domainId: string,
  rows: DomainHostRow[],
): Promise<void> {
  await transaction.deleteFrom('domainHosts').where('domainId', '=', domainId).execute()
  await insertDomainHosts(transaction, rows)
}

/** Says of each host of the association whether its record was seen. */
export async function setVerifiedHosts(
  queries: Queries,
  domainId: string,
  verifiedPrefixes: readonly string[],
): Promise<void> {
  await queries
    .updateTable('domainHosts')
    .set((eb) => ({
      verified: eb
        .case()
        .when('prefix', 'in', [...verifiedPrefixes])
        .then(sql<never>`1`)
        .else(sql<never>`0`)
        .end(),
    }))
    .where('domainId', '=', domainId)
    .execute()
}

/** From now on the hosts are the association's alone; throws a unique violation when one has another owner. */
export async function ownHosts(queries: Queries, domainId: string): Promise<void> {
  await queries.updateTable('domainHosts').set({ owned: true }).where('domainId', '=', domainId).execute()
}

/** The condition of the partial index `oneOwnerPerHost`, in its words. */
const isOwned = sql<boolean>`"owned" = 1`

/** Which of the hosts another association has: one of the same account, proven or not, or the owner. */
export async function listTakenHosts(
  queries: Queries,
  { domainId, accountId }: Pick<DomainHostRow, 'domainId' | 'accountId'>,
  hosts: string[],
): Promise<string[]> {
  const others = queries
    .selectFrom('domainHosts')
    .select('host')
    .where('host', 'in', hosts)
    .where('domainId', '!=', domainId)
  const rows = await others.where('accountId', '=', accountId).union(others.where(isOwned)).execute()
  const taken = new Set(rows.map(({ host }) => host))
  return hosts.filter((host) => taken.has(host))
}

/** The owned ones among these hosts, and what they show. */
export function findOwnedHosts(
  queries: Queries,
  hosts: string[],
): Promise<{ host: string; appId: string; branchName: string }[]> {
  return queries
    .selectFrom('domainHosts')
    .innerJoin('domainAssociations', 'domainAssociations.domainId', 'domainHosts.domainId')
    .select(['host', 'appId', 'branchName'])
    .where('host', 'in', hosts)
    .where(isOwned)
    .execute()
}

/** Whether the association has a host of its own for the branch. */
export async function hasHost(queries: Queries, domainId: string, branchName: string): Promise<boolean> {
  const row = await queries
    .selectFrom('domainHosts')
    .select('prefix')
    .where('domainId', '=', domainId)
    .where('branchName', '=', branchName)
    .executeTakeFirst()
  return row !== undefined
}
