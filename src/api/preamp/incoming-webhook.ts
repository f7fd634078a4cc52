import { jobArn, webhookArn } from '../../model/arn.ts'
import { newOrderedId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import { findAppById } from '../../store/apps.ts'
import { insertAuditEvent } from '../../store/audit-events.ts'
import { findBranch } from '../../store/branches.ts'
import type { Transaction } from '../../store/database.ts'
import type { AuditEventRow, WebhookDeliveryRow, WebhookRow } from '../../store/schema.ts'
import { recordWebhookDelivery } from '../../store/webhook-deliveries.ts'
import { findWebhook } from '../../store/webhooks.ts'
import { toJson } from '../body.ts'
import { buildHead } from '../build-head.ts'
import { equalInConstantTime } from '../constant-time.ts'
import type { Services } from '../context.ts'
import { AccessDeniedException, ApiError, BadRequestException, NotFoundException } from '../errors.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'
import { viewJobSummary } from '../job-view.ts'
import { type OwnedBranch, type OwnedJob, webhookNotFound } from '../look-up.ts'
import type { Target } from '../target.ts'
import { openWebhookToken } from '../webhook-view.ts'
import { header } from './download.ts'
import { methodNotAllowed } from './method-not-allowed.ts'

/**
 * A call of a webhook's URL: has the head of its branch built and answers 202 with the job, as StartJob does. The body is not
 * read, whatever it is (contract/hosting-behaviour.md §4.1). Calls with the right token are recorded with what they were
 * answered; a failure of ours stands in the server's log alone.
 * @throws {ApiError} 403 for an unknown webhook and a wrong token alike, 400 or 404 with what stands against the build
 */
export async function receiveWebhook(
  request: HttpRequest,
  { query }: Target,
  services: Services,
): Promise<HttpResponse> {
  if (request.method !== 'POST') return methodNotAllowed(['POST'])
  const webhook = await authenticate(query, services)
  const outcome = await startBuild(webhook, query, services).catch((error: unknown) => {
    if (error instanceof ApiError) return error
    throw error
  })
  await record(request, webhook, outcome, services)
  if (outcome instanceof ApiError) throw outcome
  return {
    status: acceptedStatus,
    headers: { 'Content-Type': 'application/json' },
    body: toJson({ jobSummary: viewJobSummary(outcome) }),
  }
}

const acceptedStatus = 202

async function authenticate(query: Target['query'], services: Services): Promise<WebhookRow> {
  const [id, token] = [only(query.get('id')), only(query.get('token'))]
  const webhook = await findWebhook(services.database.queries, id)
  if (!webhook || !equalInConstantTime(token, openWebhookToken(webhook, services))) {
    throw new AccessDeniedException(
      'There is no webhook with this id and token. GetWebhook answers the whole URL.',
    )
  }
  return webhook
}

const only = (values: readonly string[] = []) => (values.length === 1 ? values[0]! : '')

async function startBuild(
  webhook: WebhookRow,
  query: Target['query'],
  services: Services,
): Promise<OwnedJob> {
  // Callers append it to URLs that hold it already.
  if (!(query.get('operation') ?? []).every((operation) => operation === 'startbuild')) {
    throw new BadRequestException('The only operation of a webhook is startbuild, which may be left out.')
  }
  return buildHead(services, 'webhook', (transaction) => findBuildable(transaction, webhook))
}

async function findBuildable(
  transaction: Transaction,
  { webhookId, appId, branchName }: WebhookRow,
): Promise<OwnedBranch> {
  const app = await findAppById(transaction, appId)
  if (!app) throw webhookNotFound(webhookId)
  const branch = await findBranch(transaction, appId, branchName)
  if (!branch) {
    throw new NotFoundException(
      `Branch ${branchName} not found. Create it again, point the webhook at another branch with UpdateWebhook, or delete the webhook.`,
    )
  }
  if (!branch.settings.enableAutoBuild) {
    throw new BadRequestException(
      `Auto build is disabled for the branch ${branchName}. Enable it with UpdateBranch, or start the job with StartJob.`,
    )
  }
  return { app, branch }
}

async function record(
  request: HttpRequest,
  { webhookId }: WebhookRow,
  outcome: OwnedJob | ApiError,
  { database, now }: Services,
): Promise<void> {
  const row: WebhookDeliveryRow = {
    deliveryId: newOrderedId(),
    webhookId,
    createdAt: now(),
    remoteAddress: request.remoteAddress,
    userAgent: (header(request, 'user-agent') ?? '').slice(0, limits.userAgentCharactersMax),
    ...(outcome instanceof ApiError
      ? { statusCode: outcome.status, message: outcome.message, jobNumber: null }
      : { statusCode: acceptedStatus, message: describeJob(outcome), jobNumber: outcome.job.number }),
  }
  try {
    await database.transaction(async (transaction) => {
      await recordWebhookDelivery(transaction, row, limits.webhookDeliveriesMax)
      if (!(outcome instanceof ApiError)) await insertAuditEvent(transaction, auditEventOf(row, outcome))
    })
  } catch (error) {
    // The webhook was deleted meanwhile, and its log with it.
    if (await findWebhook(database.queries, webhookId)) throw error
  }
}

/** No key started the job: the audit log names the webhook. */
function auditEventOf(delivery: WebhookDeliveryRow, { app, branch, job }: OwnedJob): AuditEventRow {
  const { deliveryId, webhookId, createdAt, remoteAddress, userAgent, statusCode } = delivery
  return {
    requestId: deliveryId,
    createdAt,
    accountId: app.accountId,
    region: app.region,
    accessKeyId: '-',
    principal: webhookArn(app, app.appId, webhookId),
    operation: 'StartJob',
    resource: jobArn(app, app.appId, branch.name, job.number),
    remoteAddress,
    userAgent,
    statusCode,
    errorCode: null,
    message: null,
    parameters: { jobType: job.type },
  }
}

const describeJob = ({ branch, job }: OwnedJob) =>
  `Job ${job.number} builds the head of the branch ${branch.name}.`
