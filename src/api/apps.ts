import { z } from 'zod'

import { newAppId } from '../model/ids.ts'
import { jsonBytes } from '../model/json-bytes.ts'
import {
  deleteApp as deleteAppRow,
  insertApp,
  listApps as listAppRows,
  updateApp as updateAppRow,
} from '../store/apps.ts'
import { listBranches } from '../store/branches.ts'
import type { Transaction } from '../store/database.ts'
import type { AppRow } from '../store/schema.ts'
import { bareApp, changedApp } from './app-settings.ts'
import { openAppSecrets, viewApps, viewOneApp } from './app-view.ts'
import { secretColumns } from './basic-auth.ts'
import { refuseLoops } from './custom-rules.ts'
import { BadRequestException } from './errors.ts'
import { ownApp } from './look-up.ts'
import { operation } from './operation.ts'
import { pageTokens, takePage } from './pagination.ts'
import { checkAppQuotas } from './quotas.ts'
import * as shape from './schema.ts'

const members = {
  description: shape.description.optional(),
  repository: shape.repository.optional(),
  platform: shape.platform.optional(),
  computeRoleArn: shape.computeRoleArn.optional(),
  iamServiceRoleArn: shape.serviceRoleArn.optional(),
  oauthToken: shape.oauthToken.optional(),
  accessToken: shape.accessToken.optional(),
  environmentVariables: shape.environmentVariables.optional(),
  enableBranchAutoBuild: shape.flag.optional(),
  enableBranchAutoDeletion: shape.flag.optional(),
  enableBasicAuth: shape.flag.optional(),
  basicAuthCredentials: shape.basicAuthCredentials.optional(),
  customRules: shape.customRules.optional(),
  buildSpec: shape.buildSpec.optional(),
  customHeaders: shape.customHeaders.optional(),
  enableAutoBranchCreation: shape.flag.optional(),
  autoBranchCreationPatterns: shape.autoBranchCreationPatterns.optional(),
  autoBranchCreationConfig: shape.autoBranchCreationConfig.optional(),
  jobConfig: shape.jobConfig.optional(),
  cacheConfig: shape.cacheConfig.optional(),
}

export const createApp = operation('CreateApp', {
  input: z.object({ name: shape.name, tags: shape.tags.optional(), ...members }),
  async handle({ caller, services }, { name, tags, ...sent }) {
    const { settings, secrets } = changedApp(bareApp, sent, services)
    const now = services.now()
    const row: AppRow = {
      appId: newAppId(),
      accountId: caller.accountId,
      region: caller.region,
      name,
      settings,
      tags: tags ?? {},
      ...secretColumns(secrets, services),
      options: {},
      createdAt: now,
      updatedAt: now,
    }
    const { database } = services
    if (sent.customRules) await refuseLoops(database.queries, sent.customRules, row, services)
    await database.transaction(async (transaction) => {
      await checkAppQuotas(transaction, caller.accountId, services)
      await insertApp(transaction, row)
    })
    return { app: await viewOneApp(database.queries, row, services) }
  },
})

export const getApp = operation('GetApp', {
  input: z.object({ appId: shape.appId }),
  async handle({ caller, services }, input) {
    const { queries } = services.database
    return { app: await viewOneApp(queries, await ownApp(queries, caller, input), services) }
  },
})

const tokens = pageTokens('ListApps', z.object({ createdAt: z.int(), id: z.string() }))

export const listApps = operation('ListApps', {
  input: z.object({ nextToken: shape.nextToken, maxResults: shape.appMaxResults }),
  async handle({ caller, services }, { nextToken, maxResults }) {
    const { queries } = services.database
    const scope = [caller.accountId, caller.region]
    const after = tokens.decode(scope, nextToken)
    const rows = await listAppRows(queries, caller, { after, limit: maxResults + 1 })
    const page = takePage(
      rows,
      maxResults,
      ({ createdAt, appId }) => tokens.encode(scope, { createdAt, id: appId }),
      ({ settings }) => jsonBytes(settings),
    )
    return { apps: await viewApps(queries, page.items, services), nextToken: page.nextToken }
  },
})

export const updateApp = operation('UpdateApp', {
  input: z.object({ appId: shape.appId, name: shape.name.optional(), ...members }),
  async handle({ caller, services }, { appId, name, ...sent }) {
    const app = await services.database.transaction(async (transaction) => {
      const { createdAt } = await ownApp(transaction, caller, { appId })
      const updatedAt = Math.max(services.now(), createdAt)
      // The first write holds the row, so that of two updates at once the second builds on the first (PostgreSQL).
      await updateAppRow(transaction, appId, { updatedAt })
      const row = await ownApp(transaction, caller, { appId })
      const current = { settings: row.settings, secrets: openAppSecrets(row, services) }
      const { settings, secrets } = changedApp(current, sent, services)
      if (sent.customRules) await refuseLoops(transaction, sent.customRules, row, services)
      if (sent.repository && row.settings.repository === undefined) await refuseIfBranches(transaction, appId)
      const change = { name: name ?? row.name, settings, ...secretColumns(secrets, services) }
      await updateAppRow(transaction, appId, change)
      return viewOneApp(transaction, { ...row, ...change }, services)
    })
    await services.sitesChanged()
    return { app }
  },
})

async function refuseIfBranches(transaction: Transaction, appId: string): Promise<void> {
  const branches = await listBranches(transaction, appId, { limit: 1 })
  if (branches.length === 0) return
  throw new BadRequestException(
    'Cannot connect your app to repository while manually deployed branch still exists. Please delete all branches and try again.',
  )
}

export const deleteApp = operation('DeleteApp', {
  input: z.object({ appId: shape.appId }),
  async handle({ caller, services }, input) {
    const app = await services.database.transaction(async (transaction) => {
      const row = await ownApp(transaction, caller, input)
      const view = await viewOneApp(transaction, row, services)
      await deleteAppRow(transaction, row.appId)
      return view
    })
    // The worker sees that its jobs are gone and ends their processes; the edges see that the sites are.
    services.jobsChanged()
    await services.sitesChanged()
    return { app }
  },
})
