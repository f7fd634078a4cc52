import type { Kysely, Migration } from 'kysely'

/** Who started each job. Those from before it was known count as started by hand, which always build. */
export const jobTriggers: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .alterTable('jobs')
      .addColumn('trigger', 'text', (column) => column.notNull().defaultTo('api'))
      .execute()
  },
}
