import type { Queries } from './database.ts'
import type { WebhookRow } from './schema.ts'

/** Ids are unique across apps: the API names a webhook without its app (contract/api-behaviour.md §7). */
export function findWebhook(queries: Queries, webhookId: string): Promise<WebhookRow | undefined> {
  return queries.selectFrom('webhooks').selectAll().where('webhookId', '=', webhookId).executeTakeFirst()
}
