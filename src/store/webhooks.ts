import { type CreationPage, inCreationOrder } from './creation-order.ts'
import type { Queries } from './database.ts'
import type { WebhookRow } from './schema.ts'

export async function insertWebhook(queries: Queries, row: WebhookRow): Promise<void> {
  await queries.insertInto('webhooks').values(row).execute()
}

/** Ids are unique across apps: the API names a webhook without its app (contract/api-behaviour.md §7). */
export function findWebhook(queries: Queries, webhookId: string): Promise<WebhookRow | undefined> {
  return queries.selectFrom('webhooks').selectAll().where('webhookId', '=', webhookId).executeTakeFirst()
}

/** Webhooks of an app in the order of their creation. */
export function listWebhooks(queries: Queries, appId: string, page: CreationPage): Promise<WebhookRow[]> {
  const found = queries.selectFrom('webhooks').selectAll().where('appId', '=', appId)
  return inCreationOrder(found, 'webhookId', page).execute()
}

/** The webhook as it is afterwards; undefined when it is gone. */
export function updateWebhook(
  queries: Queries,
  webhookId: string,
  change: Pick<WebhookRow, 'updatedAt'> & Partial<Pick<WebhookRow, 'branchName' | 'description'>>,
): Promise<WebhookRow | undefined> {
  return queries
    .updateTable('webhooks')
    .set(change)
    .where('webhookId', '=', webhookId)
    .returningAll()
    .executeTakeFirst()
}

/** Deletes the webhook with its deliveries. The webhook as it was; undefined when it is gone already. */
export function deleteWebhook(queries: Queries, webhookId: string): Promise<WebhookRow | undefined> {
  return queries.deleteFrom('webhooks').where('webhookId', '=', webhookId).returningAll().executeTakeFirst()
}
