import type { Kysely, Migration } from 'kysely'

/** By which deliveries that are to be forgotten are found. */
export const notifications: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createIndex('notificationDeliveriesByAge')
      .on('notificationDeliveries')
      .column('createdAt')
      .execute()
  },
}
