import { type Kysely, type Migration, PostgresAdapter, sql } from 'kysely'

/** Options of apps, secrets of builds and their environment cache, and who is told how jobs ended. */
export const builds: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const text = db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : sql`text`

    await db.schema
      .alterTable('apps')
      .addColumn('options', text, (column) => column.notNull().defaultTo('{}'))
      .execute()

    await db.schema
      .createTable('buildSecrets')
      .addColumn('appId', text, (column) => column.notNull().references('apps.appId').onDelete('cascade'))
      // No reference: a secret may be there before its branch, as a parameter is on AWS.
      .addColumn('branchName', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('value', text, (column) => column.notNull())
      .addColumn('updatedAt', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('buildSecretsByName', ['appId', 'branchName', 'name'])
      .execute()

    await db.schema
      .createTable('environmentCaches')
      .addColumn('branchId', text, (column) =>
        column.primaryKey().references('branches.branchId').onDelete('cascade'),
      )
      .addColumn('variables', text, (column) => column.notNull())
      .addColumn('updatedAt', 'bigint', (column) => column.notNull())
      .execute()

    await db.schema
      .createTable('notificationTargets')
      .addColumn('targetId', text, (column) => column.primaryKey())
      .addColumn('appId', text, (column) => column.notNull().references('apps.appId').onDelete('cascade'))
      .addColumn('branchName', text)
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('address', text, (column) => column.notNull())
      .addColumn('secret', text)
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('notificationTargetsByCreation')
      .on('notificationTargets')
      .columns(['appId', 'createdAt', 'targetId'])
      .execute()
    await db.schema
      .createTable('notificationDeliveries')
      .addColumn('deliveryId', text, (column) => column.primaryKey())
      .addColumn('targetId', text, (column) =>
        column.notNull().references('notificationTargets.targetId').onDelete('cascade'),
      )
      .addColumn('event', text, (column) => column.notNull())
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('nextAttemptAt', 'bigint')
      .addColumn('deliveredAt', 'bigint')
      .addColumn('message', text)
      .execute()
    await db.schema
      .createIndex('notificationDeliveriesByTime')
      .on('notificationDeliveries')
      .columns(['targetId', 'createdAt', 'deliveryId'])
      .execute()
    await sql`create index "dueNotifications" on "notificationDeliveries" ("nextAttemptAt")
      where "nextAttemptAt" is not null`.execute(db)
  },
}
