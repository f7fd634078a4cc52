import { z } from 'zod'

import { newId, newWebhookToken } from '../model/ids.ts'
import type { WebhookRow } from '../store/schema.ts'
import {
  deleteWebhook as deleteWebhookRow,
  insertWebhook,
  listWebhooks as listWebhookRows,
  updateWebhook as updateWebhookRow,
} from '../store/webhooks.ts'
import { ownApp, ownBranch, ownWebhook, webhookNotFound } from './look-up.ts'
import { defined } from './members.ts'
import { operation } from './operation.ts'
import { pageTokens, takePage } from './pagination.ts'
import { checkPartQuota } from './quotas.ts'
import * as shape from './schema.ts'
import { viewWebhook } from './webhook-view.ts'

export const createWebhook = operation('CreateWebhook', {
  input: z.object({
    appId: shape.appId,
    branchName: shape.branchName,
    description: shape.description.optional(),
  }),
  async handle(context, { description = '', ...input }) {
    const { caller, services } = context
    const { database, quotas } = services
    const { app, branch } = await ownBranch(database.queries, caller, input)
    const now = services.now()
    const webhook: WebhookRow = {
      webhookId: newId(),
      appId: app.appId,
      branchName: branch.name,
      description,
      token: services.secrets.seal(newWebhookToken()),
      tags: {},
      createdAt: now,
      updatedAt: now,
    }
    await database.transaction(async (transaction) => {
      await checkPartQuota(transaction, app.appId, 'webhooks', quotas)
      await insertWebhook(transaction, webhook)
    })
    return { webhook: viewWebhook(context, { app, webhook }) }
  },
})

export const getWebhook = operation('GetWebhook', {
  input: z.object({ webhookId: shape.webhookId }),
  async handle(context, input) {
    const owned = await ownWebhook(context.services.database.queries, context.caller, input)
    return { webhook: viewWebhook(context, owned) }
  },
})

const tokens = pageTokens('ListWebhooks', z.object({ createdAt: z.int(), id: z.string() }))

export const listWebhooks = operation('ListWebhooks', {
  input: z.object({ appId: shape.appId, nextToken: shape.nextToken, maxResults: shape.maxResults }),
  async handle(context, { appId, nextToken, maxResults }) {
    const { caller, services } = context
    const { queries } = services.database
    const app = await ownApp(queries, caller, { appId })
    const after = tokens.decode([appId], nextToken)
    const rows = await listWebhookRows(queries, appId, { after, limit: maxResults + 1 })
    const page = takePage(rows, maxResults, ({ createdAt, webhookId }) =>
      tokens.encode([appId], { createdAt, id: webhookId }),
    )
    return {
      webhooks: page.items.map((webhook) => viewWebhook(context, { app, webhook })),
      nextToken: page.nextToken,
    }
  },
})

export const updateWebhook = operation('UpdateWebhook', {
  input: z.object({
    webhookId: shape.webhookId,
    branchName: shape.branchName.optional(),
    description: shape.description.optional(),
  }),
  async handle(context, { webhookId, branchName, description }) {
    const { caller, services } = context
    const owned = await services.database.transaction(async (transaction) => {
      const { app, webhook: found } = await ownWebhook(transaction, caller, { webhookId })
      if (branchName !== undefined) await ownBranch(transaction, caller, { appId: app.appId, branchName })
      const updatedAt = Math.max(services.now(), found.createdAt)
      const change = { updatedAt, ...defined({ branchName, description }) }
      const webhook = await updateWebhookRow(transaction, webhookId, change)
      if (!webhook) throw webhookNotFound(webhookId)
      return { app, webhook }
    })
    return { webhook: viewWebhook(context, owned) }
  },
})

export const deleteWebhook = operation('DeleteWebhook', {
  input: z.object({ webhookId: shape.webhookId }),
  async handle(context, { webhookId }) {
    const { caller, services } = context
    const owned = await services.database.transaction(async (transaction) => {
      const { app } = await ownWebhook(transaction, caller, { webhookId })
      const webhook = await deleteWebhookRow(transaction, webhookId)
      if (!webhook) throw webhookNotFound(webhookId)
      return { app, webhook }
    })
    return { webhook: viewWebhook(context, owned) }
  },
})
