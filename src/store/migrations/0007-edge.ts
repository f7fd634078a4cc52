import { type Kysely, type Migration, PostgresAdapter, sql } from 'kysely'

/** What the edges need to know of passwords. */
export const edge: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const text = db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : sql`text`
    for (const table of ['apps', 'branches']) {
      await db.schema.alterTable(table).addColumn('basicAuth', text).execute()
    }
  },
}
