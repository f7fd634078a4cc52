import { z } from 'zod'

import { notImplemented } from './not-implemented.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'

export const createWebhook = operation('CreateWebhook', {
  input: z.object({
    appId: shape.appId,
    branchName: shape.branchName,
    description: shape.description.optional(),
  }),
  handle: notImplemented('CreateWebhook'),
})

export const getWebhook = operation('GetWebhook', {
  input: z.object({ webhookId: shape.webhookId }),
  handle: notImplemented('GetWebhook'),
})

export const listWebhooks = operation('ListWebhooks', {
  input: z.object({ appId: shape.appId, nextToken: shape.nextToken, maxResults: shape.maxResults }),
  handle: notImplemented('ListWebhooks'),
})

export const updateWebhook = operation('UpdateWebhook', {
  input: z.object({
    webhookId: shape.webhookId,
    branchName: shape.branchName.optional(),
    description: shape.description.optional(),
  }),
  handle: notImplemented('UpdateWebhook'),
})

export const deleteWebhook = operation('DeleteWebhook', {
  input: z.object({ webhookId: shape.webhookId }),
  handle: notImplemented('DeleteWebhook'),
})
