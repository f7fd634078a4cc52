import { canonicalName } from '../model/domain-names.ts'
import { parseJobNumber } from '../model/jobs.ts'
import { findApp } from '../store/apps.ts'
import { findBranch } from '../store/branches.ts'
import type { Queries } from '../store/database.ts'
import { findDomain } from '../store/domain-associations.ts'
import { findJob } from '../store/jobs.ts'
import type { AppRow, BranchRow, DomainAssociationRow, JobRow, WebhookRow } from '../store/schema.ts'
import { findWebhook } from '../store/webhooks.ts'
import type { Caller } from './context.ts'
import { NotFoundException } from './errors.ts'

/** What an operation names, shown to belong to its caller. */
export interface OwnedBranch {
  app: AppRow
  branch: BranchRow
}

export interface OwnedJob extends OwnedBranch {
  job: JobRow
}

export interface OwnedWebhook {
  app: AppRow
  webhook: WebhookRow
}

/** @throws {NotFoundException} for an app that does not exist, or is another account's or region's */
export async function ownApp(queries: Queries, caller: Caller, input: { appId: string }): Promise<AppRow> {
  const app = await findApp(queries, caller, input.appId)
  if (!app) throw new NotFoundException(`App ${input.appId} not found.`)
  return app
}

/** @throws {NotFoundException} */
export async function ownBranch(
  queries: Queries,
  caller: Caller,
  input: { appId: string; branchName: string },
): Promise<OwnedBranch> {
  const app = await ownApp(queries, caller, input)
  const branch = await findBranch(queries, app.appId, input.branchName)
  if (!branch) throw branchNotFound(input.branchName)
  return { app, branch }
}

/**
 * @param input its jobId may be padded
 * @throws {NotFoundException}
 */
export async function ownJob(
  queries: Queries,
  caller: Caller,
  input: { appId: string; branchName: string; jobId: string },
): Promise<OwnedJob> {
  const owned = await ownBranch(queries, caller, input)
  const number = parseJobNumber(input.jobId)
  const job = number === undefined ? undefined : await findJob(queries, owned.branch.branchId, number)
  if (!job) throw jobNotFound(input.jobId)
  return { ...owned, job }
}

/**
 * @param input its domainName may be in any case, with or without a dot at its end
 * @throws {NotFoundException}
 */
export async function ownDomain(
  queries: Queries,
  caller: Caller,
  input: { appId: string; domainName: string },
): Promise<{ app: AppRow; domain: DomainAssociationRow }> {
  const app = await ownApp(queries, caller, input)
  const domain = await findDomain(queries, app.appId, canonicalName(input.domainName))
  if (!domain) throw new NotFoundException(`Domain association ${input.domainName} not found.`)
  return { app, domain }
}

/** @throws {NotFoundException} */
export async function ownWebhook(
  queries: Queries,
  caller: Caller,
  input: { webhookId: string },
): Promise<OwnedWebhook> {
  const webhook = await findWebhook(queries, input.webhookId)
  const app = webhook && (await findApp(queries, caller, webhook.appId))
  if (!app) throw webhookNotFound(input.webhookId)
  return { app, webhook }
}

export const branchNotFound = (name: string) => new NotFoundException(`Branch ${name} not found.`)
export const jobNotFound = (jobId: string) => new NotFoundException(`Job ${jobId} not found.`)
export const webhookNotFound = (webhookId: string) => new NotFoundException(`Webhook ${webhookId} not found.`)
