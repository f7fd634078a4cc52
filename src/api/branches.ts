import { z } from 'zod'

import { newId } from '../model/ids.ts'
import { jsonBytes } from '../model/json-bytes.ts'
import {
  deleteBranch as deleteBranchRow,
  findBranch,
  findBranchByDisplayName,
  insertBranch,
  listBranches as listBranchRows,
  updateBranch as updateBranchRow,
} from '../store/branches.ts'
import { deleteBranchSecrets } from '../store/build-secrets.ts'
import { isUniqueViolation, type Queries, type Transaction } from '../store/database.ts'
import type { BranchRow } from '../store/schema.ts'
import { secretColumns } from './basic-auth.ts'
import { bareBranch, changedBranch, checkedDisplayName } from './branch-settings.ts'
import { openBranchSecrets, viewBranches, viewOneBranch } from './branch-view.ts'
import { BadRequestException } from './errors.ts'
import { ownApp, ownBranch } from './look-up.ts'
import { operation } from './operation.ts'
import { pageTokens, takePage } from './pagination.ts'
import { checkPartQuota } from './quotas.ts'
import * as shape from './schema.ts'

const members = {
  description: shape.description.optional(),
  stage: shape.stage.optional(),
  framework: shape.framework.optional(),
  enableNotification: shape.flag.optional(),
  enableAutoBuild: shape.flag.optional(),
  enableSkewProtection: shape.flag.optional(),
  environmentVariables: shape.environmentVariables.optional(),
  basicAuthCredentials: shape.basicAuthCredentials.optional(),
  enableBasicAuth: shape.flag.optional(),
  enablePerformanceMode: shape.flag.optional(),
  buildSpec: shape.buildSpec.optional(),
  ttl: shape.ttl.optional(),
  displayName: shape.displayName.optional(),
  enablePullRequestPreview: shape.flag.optional(),
  pullRequestEnvironmentName: shape.pullRequestEnvironmentName.optional(),
  backendEnvironmentArn: shape.backendEnvironmentArn.optional(),
  backend: shape.backend.optional(),
  computeRoleArn: shape.computeRoleArn.optional(),
}

export const createBranch = operation('CreateBranch', {
  input: z.object({ ...shape.branchAddress, tags: shape.tags.optional(), ...members }),
  async handle({ caller, services }, { appId, branchName, tags, displayName, ...sent }) {
    const { database, quotas } = services
    const { queries } = database
    const app = await ownApp(queries, caller, { appId })
    refuseUnreachable(branchName)
    const { settings, secrets } = changedBranch(bareBranch, sent)
    const now = services.now()
    const row: BranchRow = {
      branchId: newId(),
      appId,
      name: branchName,
      displayName: checkedDisplayName(branchName, displayName),
      settings,
      tags: tags ?? {},
      ...secretColumns(secrets, services),
      lastJobNumber: 0,
      jobCount: 0,
      activeDeploymentId: null,
      createdAt: now,
      updatedAt: now,
    }
    try {
      await database.transaction(async (transaction) => {
        await checkPartQuota(transaction, appId, 'branches', quotas)
        await insertBranch(transaction, row)
      })
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      throw await nameTaken(queries, row, 'create')
    }
    return { branch: await viewOneBranch(queries, app, row, services) }
  },
})

/** Clients resolve these away in the path of a URL: no other call could name such a branch. Git knows none either. */
function refuseUnreachable(branchName: string): void {
  if (branchName !== '.' && branchName !== '..') return
  throw new BadRequestException(`Failed to create branch. A branch cannot be called ${branchName}`)
}

/** Whose name a refused branch has: its own of an earlier call, or the display name of another. */
async function nameTaken(
  queries: Queries,
  { appId, name, displayName }: BranchRow,
  verb: 'create' | 'update',
): Promise<BadRequestException> {
  if (verb === 'create' && (await findBranch(queries, appId, name))) {
    return new BadRequestException(
      `Failed to create branch. The branch ${name} already exists for the app ${appId}`,
    )
  }
  const other = await findBranchByDisplayName(queries, appId, displayName)
  const owner = other ? `the branch ${other.name}` : 'another branch'
  return new BadRequestException(
    `Failed to ${verb} branch. The display name ${displayName} is already used by ${owner} of the app ${appId}. Choose another displayName.`,
  )
}

export const getBranch = operation('GetBranch', {
  input: z.object(shape.branchAddress),
  async handle({ caller, services }, input) {
    const { queries } = services.database
    const { app, branch } = await ownBranch(queries, caller, input)
    return { branch: await viewOneBranch(queries, app, branch, services) }
  },
})

const tokens = pageTokens('ListBranches', z.object({ createdAt: z.int(), id: z.string() }))

export const listBranches = operation('ListBranches', {
  input: z.object({ appId: shape.appId, nextToken: shape.nextToken, maxResults: shape.maxResults }),
  async handle({ caller, services }, { appId, nextToken, maxResults }) {
    const { queries } = services.database
    const app = await ownApp(queries, caller, { appId })
    const after = tokens.decode([appId], nextToken)
    const rows = await listBranchRows(queries, appId, { after, limit: maxResults + 1 })
    const page = takePage(
      rows,
      maxResults,
      ({ createdAt, branchId }) => tokens.encode([appId], { createdAt, id: branchId }),
      ({ settings }) => jsonBytes(settings),
    )
    return {
      branches: await viewBranches(queries, app, page.items, services),
      nextToken: page.nextToken,
    }
  },
})

export const updateBranch = operation('UpdateBranch', {
  input: z.object({ ...shape.branchAddress, ...members }),
  async handle({ caller, services }, { appId, branchName, displayName, ...sent }) {
    const { database } = services
    const update = async (transaction: Transaction) => {
      const found = await ownBranch(transaction, caller, { appId, branchName })
      const updatedAt = Math.max(services.now(), found.branch.createdAt)
      // The first write holds the row, so that of two updates at once the second builds on the first (PostgreSQL).
      await updateBranchRow(transaction, found.branch.branchId, { updatedAt })
      const { app, branch: row } = await ownBranch(transaction, caller, { appId, branchName })
      const current = { settings: row.settings, secrets: openBranchSecrets(row, services) }
      const { settings, secrets } = changedBranch(current, sent)
      const change = {
        displayName:
          displayName === undefined ? row.displayName : checkedDisplayName(branchName, displayName),
        settings,
        ...secretColumns(secrets, services),
      }
      const other = await findBranchByDisplayName(transaction, appId, change.displayName)
      if (other && other.branchId !== row.branchId) {
        throw await nameTaken(transaction, { ...row, ...change }, 'update')
      }
      await updateBranchRow(transaction, row.branchId, change)
      return viewOneBranch(transaction, app, { ...row, ...change }, services)
    }
    const branch = await database.transaction(update).catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error
      // Another call took the display name between the look and the change (PostgreSQL): the second try sees it.
      return database.transaction(update)
    })
    await services.sitesChanged()
    return { branch }
  },
})

export const deleteBranch = operation('DeleteBranch', {
  input: z.object(shape.branchAddress),
  async handle({ caller, services }, input) {
    const branch = await services.database.transaction(async (transaction) => {
      const { app, branch: row } = await ownBranch(transaction, caller, input)
      const view = await viewOneBranch(transaction, app, row, services)
      await deleteBranchRow(transaction, row.branchId)
      await deleteBranchSecrets(transaction, { appId: app.appId, branchName: row.name })
      return view
    })
    // The worker sees that its job is gone and ends its processes; the edges see that the site is.
    services.jobsChanged()
    await services.sitesChanged()
    return { branch }
  },
})
