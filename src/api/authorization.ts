import {
  appArn,
  branchArn,
  domainAssociationArn,
  jobArn,
  type NamedResource,
  parseArn,
  type Scope,
  userArn,
  webhookArn,
  webhookPermissionArn,
} from '../model/arn.ts'
import { canonicalName } from '../model/domain-names.ts'
import { parseJobNumber } from '../model/jobs.ts'
import type { PolicyDocument } from '../model/policy-document.ts'
import { findApp } from '../store/apps.ts'
import type { Queries } from '../store/database.ts'
import type { WebhookRow } from '../store/schema.ts'
import { findTagHolder, readTags, type Tags } from '../store/tags.ts'
import { findWebhook } from '../store/webhooks.ts'
import type { Caller } from './context.ts'
import { AccessDeniedException } from './errors.ts'
import { findOwnArtifact } from './look-up.ts'
import type { Input, OperationName } from './operation.ts'
import { evaluate, needsResourceTags } from './policy.ts'

/** What a caller must be allowed. */
export interface Permission {
  /** As IAM spells it. */
  action: `amplify:${string}` | `preamp:${string}`
  /** The ARN that the action is for. It need not exist: whether it does is told to nobody who may not ask. */
  resource: string
  /** Whose tags `aws:ResourceTag` are: never read out of the ARN, which the name of a branch can make look like another. */
  named?: NamedResource | undefined
}

type Subject = Omit<Permission, 'action'>

/** The input of an operation after its check, with the members that the rules below read: those of the path are always there. */
type Checked<Name extends OperationName> = {
  [Member in keyof Input<Name>]-?: NonNullable<Input<Name>[Member]>
}

type ResourceRules = {
  [Name in OperationName]: (
    caller: Caller,
    input: Checked<Name>,
    queries: Queries,
  ) => Subject | Promise<Subject>
}

interface OfApp {
  appId: string
}
interface OfBranch extends OfApp {
  branchName: string
}

const anyApp = (caller: Scope): Subject => ({ resource: appArn(caller, '*') })
export const appResource = (caller: Scope, { appId }: OfApp): Subject => ({
  resource: appArn(caller, appId),
  named: { kind: 'app', appId },
})
export const branchResource = (caller: Scope, { appId, branchName }: OfBranch): Subject => ({
  resource: branchArn(caller, appId, branchName),
  named: { kind: 'branch', appId, branchName },
})
/** Jobs have no tags. */
const jobsOfBranch = (caller: Scope, { appId, branchName }: OfBranch): Subject => ({
  resource: `${branchArn(caller, appId, branchName)}/jobs/*`,
})
export const jobResource = (caller: Scope, input: OfBranch & { jobId: string }): Subject => {
  const number = parseJobNumber(input.jobId)
  // What can be no number of a job is the name of none.
  if (number === undefined) return jobsOfBranch(caller, input)
  return { resource: jobArn(caller, input.appId, input.branchName, number) }
}
/** In its one spelling: another one must not get past a policy. */
export const domainResource = (caller: Scope, input: OfApp & { domainName: string }): Subject => {
  const { appId } = input
  const domainName = canonicalName(input.domainName)
  return {
    resource: domainAssociationArn(caller, appId, domainName),
    named: { kind: 'domain-association', appId, domainName },
  }
}
export const webhookResource = (caller: Scope, { webhookId }: { webhookId: string }): Subject => ({
  resource: webhookPermissionArn(caller, webhookId),
})
const namedByArn = (caller: Scope, { resourceArn }: { resourceArn: string }): Subject => {
  const arn = parseArn(resourceArn)
  const isOwn = arn?.accountId === caller.accountId && arn.region === caller.region
  return { resource: resourceArn, named: isOwn ? arn.resource : undefined }
}

/** An artifact is named without its app. */
async function appOfArtifact(caller: Caller, { artifactId }: { artifactId: string }, queries: Queries) {
  const owned = await findOwnArtifact(queries, caller, artifactId)
  return owned ? appResource(caller, owned.app) : anyApp(caller)
}

/**
 * On which ARN each operation is allowed: what AWS's service authorization reference says, but for ListJobs, whose
 * denials name the branch's jobs (contract/api-behaviour.md §1.3). Where it requires none, any app stands for all.
 */
const resources: ResourceRules = {
  CreateApp: anyApp,
  GetApp: appResource,
  ListApps: anyApp,
  UpdateApp: appResource,
  DeleteApp: appResource,

  CreateBranch: branchResource,
  GetBranch: branchResource,
  ListBranches: appResource,
  UpdateBranch: branchResource,
  DeleteBranch: branchResource,

  StartJob: jobsOfBranch,
  GetJob: jobResource,
  ListJobs: jobsOfBranch,
  StopJob: jobResource,
  DeleteJob: jobResource,

  CreateDeployment: branchResource,
  StartDeployment: branchResource,

  ListArtifacts: appResource,
  GetArtifactUrl: appOfArtifact,

  CreateDomainAssociation: domainResource,
  GetDomainAssociation: domainResource,
  ListDomainAssociations: appResource,
  UpdateDomainAssociation: domainResource,
  DeleteDomainAssociation: domainResource,

  CreateWebhook: branchResource,
  GetWebhook: webhookResource,
  ListWebhooks: appResource,
  UpdateWebhook: webhookResource,
  DeleteWebhook: webhookResource,

  CreateBackendEnvironment: appResource,
  GetBackendEnvironment: appResource,
  ListBackendEnvironments: appResource,
  DeleteBackendEnvironment: appResource,

  TagResource: namedByArn,
  UntagResource: namedByArn,
  ListTagsForResource: namedByArn,

  GenerateAccessLogs: appResource,
}

/**
 * What it takes to call an operation: all of it.
 * @param input after its check against the operation's schema
 */
export async function permissionsFor(
  name: OperationName,
  caller: Caller,
  input: unknown,
  queries: Queries,
): Promise<Permission[]> {
  // IAM writes the H of webhooks large.
  const action = `amplify:${name.replace('Webhook', 'WebHook')}` as const
  const permission = { action, ...(await resources[name](caller, input as never, queries)) }
  if (name !== 'UpdateWebhook') return [permission]
  return [permission, ...(await permissionToPoint(caller, input as Input<'UpdateWebhook'>, queries))]
}

/** Whoever points a webhook at a branch has it built by whoever knows the URL, as with a webhook that is made for it. */
async function permissionToPoint(
  caller: Caller,
  { webhookId = '', branchName }: Input<'UpdateWebhook'>,
  queries: Queries,
): Promise<Permission[]> {
  const webhook = await findWebhookOf(queries, caller, webhookPermissionArn(caller, webhookId))
  if (branchName === undefined || !webhook) return []
  return [
    { action: 'amplify:CreateWebHook', ...branchResource(caller, { appId: webhook.appId, branchName }) },
  ]
}

export interface Attempt {
  caller: Caller
  policies: readonly PolicyDocument[]
  permission: Permission
  /** Whatever of the request's members is called so, if any. */
  input: { tags?: Tags; tagKeys?: string[] }
  remoteAddress: string
  /** Epoch milliseconds. */
  now: number
}

/** @throws {AccessDeniedException} in IAM's words, when the caller's policies do not allow it */
export async function authorize(queries: Queries, attempt: Attempt): Promise<void> {
  const { caller, policies, permission, input, remoteAddress, now } = attempt
  const { action, resource } = permission
  const alias = await webhookAlias(queries, caller, resource)
  const principalArn = userArn(caller.accountId, caller.userName)
  const decision = evaluate(policies, {
    action,
    resources: alias === undefined ? [resource] : [resource, alias],
    context: {
      sourceIp: remoteAddress,
      now,
      userName: caller.userName,
      principalArn,
      region: caller.region,
      requestTags: input.tags,
      tagKeys: input.tags ? Object.keys(input.tags) : input.tagKeys,
      resourceTags: needsResourceTags(policies) ? await tagsOf(queries, caller, permission) : undefined,
    },
  })
  if (decision === 'allowed') return
  const reason =
    decision === 'denied'
      ? `because no identity-based policy allows the ${action} action`
      : 'with an explicit deny in an identity-based policy'
  throw new AccessDeniedException(
    `User: ${principalArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
  )
}

/**
 * A webhook has two ARNs: the one that IAM's reference gives it, and the one that the API answers. A policy may name either.
 * Undefined for every other resource, and for a webhook that does not exist or is another's.
 */
async function webhookAlias(queries: Queries, caller: Caller, resource: string): Promise<string | undefined> {
  const named = parseArn(resource)?.resource
  if (named?.kind === 'webhook') return webhookPermissionArn(caller, named.webhookId)
  const row = await findWebhookOf(queries, caller, resource)
  return row && webhookArn(caller, row.appId, row.webhookId)
}

/** The caller's webhook that an ARN of IAM's form names. */
async function findWebhookOf(
  queries: Queries,
  caller: Caller,
  resource: string,
): Promise<WebhookRow | undefined> {
  const webhooks = webhookPermissionArn(caller, '')
  if (!resource.startsWith(webhooks)) return undefined
  const row = await findWebhook(queries, resource.slice(webhooks.length))
  return row && (await findApp(queries, caller, row.appId)) ? row : undefined
}

/** Undefined for what does not exist, is another's or has no tags. */
async function tagsOf(
  queries: Queries,
  caller: Caller,
  { resource, named }: Permission,
): Promise<Tags | undefined> {
  const webhook = await findWebhookOf(queries, caller, resource)
  if (webhook) return webhook.tags
  const isOwn = named && (await findApp(queries, caller, named.appId))
  const holder = isOwn && (await findTagHolder(queries, named))
  return holder && (await readTags(queries, holder))
}
