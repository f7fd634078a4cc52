import type { Scope } from '../model/arn.ts'
import type { Queries } from './database.ts'
import type { AuditEventRow } from './schema.ts'

/** What is written here is read and, when it is old, forgotten: nothing changes an event. */
export async function insertAuditEvent(queries: Queries, row: AuditEventRow): Promise<void> {
  await queries.insertInto('auditEvents').values(row).execute()
}

/** Where a page begins: after the event of this time and request, towards older ones. */
export interface AuditCursor {
  createdAt: number
  requestId: string
}

export interface AuditFilter {
  /** Epoch milliseconds. */
  since?: number | undefined
  operation?: string | undefined
  accessKeyId?: string | undefined
  /** The resource's ARN is this one's or lies below it. */
  resourcePrefix?: string | undefined
  failedOnly?: boolean | undefined
}

/**
 * Events of an account, newest first.
 * @param scope of all regions where none is named
 */
export function listAuditEvents(
  queries: Queries,
  { accountId, region }: Pick<Scope, 'accountId'> & Partial<Scope>,
  page: { before?: AuditCursor | undefined; limit: number },
  filter: AuditFilter = {},
): Promise<AuditEventRow[]> {
  const { before } = page
  const { since, operation, accessKeyId, resourcePrefix, failedOnly = false } = filter
  return queries
    .selectFrom('auditEvents')
    .selectAll()
    .where('accountId', '=', accountId)
    .$if(region !== undefined, (query) => query.where('region', '=', region!))
    .$if(before !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('createdAt', 'requestId'), '<', tuple(before!.createdAt, before!.requestId)),
      ),
    )
    .$if(since !== undefined, (query) => query.where('createdAt', '>=', since!))
    .$if(operation !== undefined, (query) => query.where('operation', '=', operation!))
    .$if(accessKeyId !== undefined, (query) => query.where('accessKeyId', '=', accessKeyId!))
    .$if(resourcePrefix !== undefined, (query) =>
      query.where(({ and, eb }) =>
        and([eb('resource', '>=', resourcePrefix!), eb('resource', '<', `${resourcePrefix}\u{10ffff}`)]),
      ),
    )
    .$if(failedOnly, (query) => query.where('errorCode', 'is not', null))
    .orderBy('createdAt', 'desc')
    .orderBy('requestId', 'desc')
    .limit(page.limit)
    .execute()
}

/** @returns how many were forgotten */
export async function forgetAuditEvents(queries: Queries, createdBefore: number): Promise<number> {
  const result = await queries
    .deleteFrom('auditEvents')
    .where('createdAt', '<', createdBefore)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
