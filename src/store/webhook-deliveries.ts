import type { Queries, Transaction } from './database.ts'
import type { WebhookDeliveryRow } from './schema.ts'

/** Adds a delivery, and forgets the webhook's oldest ones beyond `keep`. */
export async function recordWebhookDelivery(
  transaction: Transaction,
  row: WebhookDeliveryRow,
  keep: number,
): Promise<void> {
  await transaction.insertInto('webhookDeliveries').values(row).execute()
  const [oldestKept] = await newest(transaction, row.webhookId)
    .offset(keep - 1)
    .limit(1)
    .execute()
  if (!oldestKept) return
  await transaction
    .deleteFrom('webhookDeliveries')
    .where('webhookId', '=', row.webhookId)
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple('createdAt', 'deliveryId'), '<', tuple(oldestKept.createdAt, oldestKept.deliveryId)),
    )
    .execute()
}

/** The webhook's deliveries, newest first. */
export function listWebhookDeliveries(
  queries: Queries,
  webhookId: string,
  limit: number,
): Promise<WebhookDeliveryRow[]> {
  return newest(queries, webhookId).limit(limit).execute()
}

function newest(queries: Queries, webhookId: string) {
  return queries
    .selectFrom('webhookDeliveries')
    .selectAll()
    .where('webhookId', '=', webhookId)
    .orderBy('createdAt', 'desc')
    .orderBy('deliveryId', 'desc')
}
