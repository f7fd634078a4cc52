import { type AnyColumn, type SelectQueryBuilder, sql } from 'kysely'

/** Where a page begins: after the row with this creation time and id. It need not exist any more. */
export interface CreationCursor {
  createdAt: number
  id: string
}

export interface CreationPage {
  after?: CreationCursor | undefined
  limit: number
}

/**
 * Brings a query's rows in the order of their creation, and cuts a page out of them.
 * @param id the column that tells rows apart which were created at the same time
 */
export function inCreationOrder<Tables, Table extends keyof Tables, Row>(
  query: SelectQueryBuilder<Tables, Table, Row>,
  id: AnyColumn<Tables, Table>,
  { after, limit }: CreationPage,
): SelectQueryBuilder<Tables, Table, Row> {
  const [time, tieBreak] = [sql.ref('createdAt'), sql.ref(id)]
  return query
    .$if(after !== undefined, (of) =>
      of.where(sql<boolean>`(${time}, ${tieBreak}) > (${after!.createdAt}, ${after!.id})`),
    )
    .orderBy(time)
    .orderBy(tieBreak)
    .limit(limit)
}
