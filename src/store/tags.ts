import { sql } from 'kysely'

import type { NamedResource } from '../model/arn.ts'
import { findBranch } from './branches.ts'
import type { Queries, Transaction } from './database.ts'
import { findDomain } from './domain-associations.ts'
import type { AppRow } from './schema.ts'
import { findWebhook } from './webhooks.ts'

export type Tags = AppRow['tags']

/** The row that holds a resource's tags. */
export interface TagHolder {
  table: keyof typeof idColumns
  id: string
}

const idColumns = {
  apps: 'appId',
  branches: 'branchId',
  domainAssociations: 'domainId',
  webhooks: 'webhookId',
} as const

/**
 * Where the tags of a resource are. The caller has checked that its app exists and is the caller's own. Undefined when the
 * resource does not exist, or is of a kind that has no tags.
 */
export async function findTagHolder(
  queries: Queries,
  resource: NamedResource,
): Promise<TagHolder | undefined> {
  const { appId } = resource
  switch (resource.kind) {
    case 'app':
      return { table: 'apps', id: appId }
    case 'branch': {
      const branch = await findBranch(queries, appId, resource.branchName)
      return branch && { table: 'branches', id: branch.branchId }
    }
    case 'webhook': {
      const webhook = await findWebhook(queries, resource.webhookId)
      return webhook?.appId === appId ? { table: 'webhooks', id: webhook.webhookId } : undefined
    }
    case 'domain-association': {
      const domain = await findDomain(queries, appId, resource.domainName)
      return domain && { table: 'domainAssociations', id: domain.domainId }
    }
    default:
      return undefined
  }
}

/** Undefined when the row is gone. */
export async function readTags(queries: Queries, { table, id }: TagHolder): Promise<Tags | undefined> {
  const { rows } = await sql<{ tags: Tags }>`
    select "tags" from ${sql.table(table)} where ${sql.ref(idColumns[table])} = ${id}`.execute(queries)
  return rows[0]?.tags
}

/**
 * Changes tags from what they are to what `change` makes of them. Undefined when the row is gone.
 * @param change throws what stands against it
 */
export async function changeTags(
  transaction: Transaction,
  { table, id }: TagHolder,
  change: (tags: Tags) => Tags,
): Promise<Tags | undefined> {
  const isRow = sql`${sql.ref(idColumns[table])} = ${id}`
  // A write that changes nothing holds the row: of two changes at once the second builds on the first (PostgreSQL).
  const { rows } = await sql<{ tags: Tags }>`
    update ${sql.table(table)} set "tags" = "tags" where ${isRow} returning "tags"`.execute(transaction)
  if (!rows[0]) return undefined
  const tags = change(rows[0].tags)
  await sql`update ${sql.table(table)} set "tags" = ${tags} where ${isRow}`.execute(transaction)
  return tags
}
