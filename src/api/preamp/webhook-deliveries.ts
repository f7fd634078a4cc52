import { limits } from '../../model/limits.ts'
import type { WebhookDeliveryRow } from '../../store/schema.ts'
import { listWebhookDeliveries } from '../../store/webhook-deliveries.ts'
import { webhookResource } from '../authorization.ts'
import { ownWebhook } from '../look-up.ts'
import type { SignedEndpoint } from './endpoints.ts'

/** The calls of a webhook's URL that brought its token, newest first, and what was answered to each. */
export const webhookDeliveries: SignedEndpoint = {
  method: 'GET',
  path: '/_preamp/webhooks/{webhookId}/deliveries',
  permission: (caller, members) => ({
    action: 'amplify:GetWebHook',
    ...webhookResource(caller, { webhookId: members['webhookId']! }),
  }),
  async handle({ caller, services }, { members }) {
    const { queries } = services.database
    const { webhook } = await ownWebhook(queries, caller, { webhookId: members['webhookId']! })
    const rows = await listWebhookDeliveries(queries, webhook.webhookId, limits.webhookDeliveriesMax)
    return { deliveries: rows.map(viewDelivery) }
  },
}

function viewDelivery(row: WebhookDeliveryRow): object {
  return {
    deliveryId: row.deliveryId,
    createTime: new Date(row.createdAt),
    remoteAddress: row.remoteAddress,
    userAgent: row.userAgent,
    statusCode: row.statusCode,
    message: row.message,
    jobId: row.jobNumber === null ? undefined : String(row.jobNumber),
  }
}
