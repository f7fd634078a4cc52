import { type Kysely, type Migration, sql } from 'kysely'

/** Which deployments visitors may still have pages of. */
export const replacedDeployments: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('deployments').addColumn('replacedAt', 'bigint').execute()
    await db.schema
      .alterTable('deployments')
      .addColumn('skewProtected', 'integer', (column) => column.notNull().defaultTo(0))
      .execute()
    await sql`create index "replacedDeployments" on "deployments" ("branchId", "replacedAt")
      where "replacedAt" is not null`.execute(db)
  },
}
