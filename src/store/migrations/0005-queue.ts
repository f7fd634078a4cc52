import { type Kysely, type Migration, PostgresAdapter, sql } from 'kysely'

/** Whose turn it is in the queue. */
export const queue: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const text = db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : sql`text`

    await db.schema
      .createTable('appTurns')
      .addColumn('appId', text, (column) => column.primaryKey().references('apps.appId').onDelete('cascade'))
      .addColumn('servedAt', 'bigint', (column) => column.notNull())
      .execute()
  },
}
