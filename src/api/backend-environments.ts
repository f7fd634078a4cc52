import type { BackendEnvironment } from '@aws-sdk/client-amplify'
import { z } from 'zod'

import { backendEnvironmentArn } from '../model/arn.ts'
import { newId } from '../model/ids.ts'
import {
  deleteBackendEnvironment as deleteBackendEnvironmentRow,
  findBackendEnvironment,
  insertBackendEnvironment,
  listBackendEnvironments as listBackendEnvironmentRows,
} from '../store/backend-environments.ts'
import { isUniqueViolation } from '../store/database.ts'
import type { AppRow, BackendEnvironmentRow } from '../store/schema.ts'
import { BadRequestException, NotFoundException } from './errors.ts'
import { ownApp } from './look-up.ts'
import { operation } from './operation.ts'
import { pageTokens, takePage } from './pagination.ts'
import { checkPartQuota } from './quotas.ts'
import * as shape from './schema.ts'

const address = { appId: shape.appId, environmentName: shape.environmentName }

export const createBackendEnvironment = operation('CreateBackendEnvironment', {
  input: z.object({
    ...address,
    stackName: shape.stackName.optional(),
    deploymentArtifacts: shape.deploymentArtifacts.optional(),
  }),
  async handle({ caller, services }, { appId, environmentName, stackName, deploymentArtifacts }) {
    const { database, quotas } = services
    const app = await ownApp(database.queries, caller, { appId })
    checkName(environmentName)
    const now = services.now()
    const names = defaultNames(app.name, environmentName, now)
    const row: BackendEnvironmentRow = {
      backendEnvironmentId: newId(),
      appId,
      name: environmentName,
      stackName: stackName ?? names.stackName,
      deploymentArtifacts: deploymentArtifacts ?? names.deploymentArtifacts,
      createdAt: now,
      updatedAt: now,
    }
    try {
      await database.transaction(async (transaction) => {
        await checkPartQuota(transaction, appId, 'backendEnvironments', quotas)
        await insertBackendEnvironment(transaction, row)
      })
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      throw new BadRequestException(
        `Failed to create backend environment. The backend environment ${environmentName} already exists for the app ${appId}`,
      )
    }
    return { backendEnvironment: view(app, row) }
  },
})

/** The words are AWS's, with no space after the first full stop (contract/api-behaviour.md §8). */
function checkName(environmentName: string): void {
  if (/^[a-z]{2,10}$/.test(environmentName)) return
  throw new BadRequestException(
    `Failed to create backend environment.The environment name ${environmentName} is invalid. Environment name should be between 2 and 10 characters (only lowercase alphabets).`,
  )
}

/** What AWS makes of the app's name and the time where a client names nothing (contract/api-behaviour.md §8). */
function defaultNames(
  appName: string,
  environmentName: string,
  now: number,
): Pick<BackendEnvironmentRow, 'stackName' | 'deploymentArtifacts'> {
  const name = Array.from(appName).slice(0, 12).join('')
  const time = new Date(now).toISOString().slice(11, 19).replaceAll(':', '')
  return {
    stackName: `amplify-${name}-${environmentName}-${time}`,
    deploymentArtifacts: `${name.toLowerCase()}-${environmentName}-${time}-deployment`,
  }
}

export const getBackendEnvironment = operation('GetBackendEnvironment', {
  input: z.object(address),
  async handle({ caller, services }, { appId, environmentName }) {
    const { queries } = services.database
    const app = await ownApp(queries, caller, { appId })
    const row = await findBackendEnvironment(queries, appId, environmentName)
    if (!row) throw notFound(environmentName)
    return { backendEnvironment: view(app, row) }
  },
})

const tokens = pageTokens('ListBackendEnvironments', z.object({ createdAt: z.int(), id: z.string() }))

export const listBackendEnvironments = operation('ListBackendEnvironments', {
  input: z.object({
    appId: shape.appId,
    environmentName: shape.environmentName.optional(),
    nextToken: shape.nextToken,
    maxResults: shape.maxResults,
  }),
  async handle({ caller, services }, { appId, environmentName, nextToken, maxResults }) {
    const { queries } = services.database
    const app = await ownApp(queries, caller, { appId })
    // A list of one name has one page: a token that comes with it is another list's.
    const scope = environmentName === undefined ? [appId] : [appId, environmentName]
    const after = tokens.decode(scope, nextToken)
    if (environmentName !== undefined) {
      const row = await findBackendEnvironment(queries, appId, environmentName)
      return { backendEnvironments: row ? [view(app, row)] : [] }
    }
    const rows = await listBackendEnvironmentRows(queries, appId, { after, limit: maxResults + 1 })
    const page = takePage(rows, maxResults, ({ createdAt, backendEnvironmentId }) =>
      tokens.encode(scope, { createdAt, id: backendEnvironmentId }),
    )
    return { backendEnvironments: page.items.map((row) => view(app, row)), nextToken: page.nextToken }
  },
})

export const deleteBackendEnvironment = operation('DeleteBackendEnvironment', {
  input: z.object(address),
  async handle({ caller, services }, { appId, environmentName }) {
    return services.database.transaction(async (transaction) => {
      const app = await ownApp(transaction, caller, { appId })
      const row = await deleteBackendEnvironmentRow(transaction, appId, environmentName)
      if (!row) throw notFound(environmentName)
      return { backendEnvironment: view(app, row) }
    })
  },
})

function view(app: AppRow, row: BackendEnvironmentRow): BackendEnvironment {
  return {
    backendEnvironmentArn: backendEnvironmentArn(app, row.appId, row.name),
    environmentName: row.name,
    stackName: row.stackName,
    deploymentArtifacts: row.deploymentArtifacts,
    createTime: new Date(row.createdAt),
    updateTime: new Date(row.updatedAt),
  }
}

const notFound = (environmentName: string) =>
  new NotFoundException(`Backend environment ${environmentName} not found.`)
