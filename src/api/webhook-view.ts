import type { Webhook } from '@aws-sdk/client-amplify'

import { webhookArn } from '../model/arn.ts'
import type { WebhookRow } from '../store/schema.ts'
import type { OperationContext, Services } from './context.ts'
import type { OwnedWebhook } from './look-up.ts'

/** Where incoming webhooks are called. */
export const incomingWebhookPath = '/_preamp/webhooks'

/**
 * A webhook as every operation answers it (contract/api-behaviour.md §7). Its URL holds the secret, as on AWS, and ends after
 * it, so that callers can append `&operation=startbuild`.
 */
export function viewWebhook({ apiUrl, services }: OperationContext, { app, webhook }: OwnedWebhook): Webhook {
  const { webhookId, appId, branchName, description, createdAt, updatedAt } = webhook
  const query = new URLSearchParams({ id: webhookId, token: openWebhookToken(webhook, services) })
  return {
    webhookArn: webhookArn(app, appId, webhookId),
    webhookId,
    webhookUrl: `${apiUrl}${incomingWebhookPath}?${query}`,
    appId,
    branchName,
    description,
    createTime: new Date(createdAt),
    updateTime: new Date(updatedAt),
  }
}

export function openWebhookToken({ token }: WebhookRow, { secrets }: Pick<Services, 'secrets'>): string {
  return secrets.open<string>(token)
}
