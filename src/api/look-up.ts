import { parseArn } from '../model/arn.ts'
import { canonicalName } from '../model/domain-names.ts'
import { parseJobNumber } from '../model/jobs.ts'
import { findApp } from '../store/apps.ts'
import { findArtifact } from '../store/artifacts.ts'
import { findBranch, findBranchById } from '../store/branches.ts'
import type { Queries } from '../store/database.ts'
import { findDomain } from '../store/domain-associations.ts'
import { findJob, findJobByKey } from '../store/jobs.ts'
import type {
  AppRow,
  ArtifactRow,
  BranchRow,
  DomainAssociationRow,
  JobRow,
  WebhookRow,
} from '../store/schema.ts'
import { findTagHolder, type TagHolder } from '../store/tags.ts'
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

/** The test artifact with what it belongs to; undefined where it does not exist, or is another account's or region's. */
export async function findOwnArtifact(
  queries: Queries,
  caller: Caller,
  artifactId: string,
): Promise<(OwnedJob & { artifact: ArtifactRow }) | undefined> {
  const artifact = await findArtifact(queries, artifactId)
  const job = artifact?.kind === 'test' ? await findJobByKey(queries, artifact.jobKey) : undefined
  const branch = job && (await findBranchById(queries, job.branchId))
  const app = branch && (await findApp(queries, caller, branch.appId))
  return artifact && job && branch && app && { app, branch, job, artifact }
}

/** What holds the tags of the caller's own resource; undefined for an ARN of somebody else's, and for one that names nothing. */
export async function findOwnTagHolder(
  queries: Queries,
  caller: Caller,
  resourceArn: string,
): Promise<TagHolder | undefined> {
  const arn = parseArn(resourceArn)
  if (arn?.accountId !== caller.accountId || arn.region !== caller.region) return undefined
  const app = await findApp(queries, caller, arn.resource.appId)
  return app && (await findTagHolder(queries, arn.resource))
}

export const branchNotFound = (name: string) => new NotFoundException(`Branch ${name} not found.`)
export const jobNotFound = (jobId: string) => new NotFoundException(`Job ${jobId} not found.`)
export const webhookNotFound = (webhookId: string) => new NotFoundException(`Webhook ${webhookId} not found.`)
