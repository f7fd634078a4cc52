import {
  appArn,
  backendEnvironmentArn,
  branchArn,
  domainAssociationArn,
  jobArn,
  userArn,
  webhookArn,
} from '../model/arn.ts'
import { parseJobNumber } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { insertAuditEvent } from '../store/audit-events.ts'
import type { Database } from '../store/database.ts'
import type { AuditEventRow } from '../store/schema.ts'
import type { Caller, Services } from './context.ts'
import { AccessDeniedException, ApiError } from './errors.ts'
import type { HttpRequest } from './http.ts'

/** A call that changes something, before it is known how it ends. */
export interface AuditedCall {
  request: HttpRequest
  requestId: string
  caller: Caller
  /** Name of the operation, or method and path of an endpoint of ours. */
  operation: string
  /** Members of the path. */
  members: Readonly<Record<string, string>>
  /** The input as it was sent: it may be refused. */
  sent: Readonly<Record<string, unknown>>
  services: Services
}

/** Whether calls of an operation are recorded: all but those that only look. */
export const isAudited = (operation: string) => !/^(Get|List)/.test(operation)

/**
 * Does the work of a call and records how it ended, before anybody is answered. A change is recorded in its own transaction:
 * both are stored or neither is. What ends without one, a refusal above all, is recorded afterwards.
 * @param work uses the services that it is given
 */
export async function audited<Result>(
  call: AuditedCall,
  work: (services: Services) => Promise<Result>,
): Promise<Result> {
  const { database } = call.services
  let isRecorded = false
  const recording: Database = {
    ...database,
    async transaction(change) {
      if (isRecorded) return database.transaction(change)
      const result = await database.transaction(async (transaction) => {
        const changed = await change(transaction)
        await insertAuditEvent(transaction, eventOf(call, {}))
        return changed
      })
      isRecorded = true
      return result
    },
  }
  const outcome = await work({ ...call.services, database: recording }).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  )
  if (!isRecorded) await insertAuditEvent(database.queries, eventOf(call, outcome))
  if ('error' in outcome) throw outcome.error
  return outcome.result
}

function eventOf(call: AuditedCall, outcome: object): AuditEventRow {
  const { caller, request, requestId, operation, members, sent, services } = call
  return {
    requestId,
    createdAt: services.now(),
    accountId: caller.accountId,
    region: caller.region,
    accessKeyId: caller.accessKeyId,
    principal: userArn(caller.accountId, caller.userName),
    operation,
    resource: resourceOf(caller, members),
    remoteAddress: request.remoteAddress,
    userAgent: (request.headers.get('user-agent')?.join(', ') ?? '').slice(0, limits.userAgentCharactersMax),
    ...('error' in outcome ? failureOf(outcome.error) : { statusCode: 200, errorCode: null, message: null }),
    // Whoever may do nothing must not fill the disk.
    parameters: isDenied(outcome) ? {} : withoutSecrets(sent),
  }
}

const isDenied = (outcome: object) => 'error' in outcome && outcome.error instanceof AccessDeniedException

/** A bug is told to the log alone, as it is to the client. */
function failureOf(error: unknown): Pick<AuditEventRow, 'statusCode' | 'errorCode' | 'message'> {
  if (error instanceof ApiError) {
    return { statusCode: error.status, errorCode: error.code, message: shorten(error.message) }
  }
  return { statusCode: 500, errorCode: 'InternalFailureException', message: null }
}

/** The ARN of what the path names. It need not exist. */
function resourceOf(caller: Caller, members: AuditedCall['members']): string {
  const { resourceArn, appId = '*', branchName, jobId, domainName, webhookId, environmentName } = members
  if (resourceArn !== undefined) return shorten(resourceArn)
  if (webhookId !== undefined) return webhookArn(caller, appId, shorten(webhookId))
  if (branchName !== undefined && jobId !== undefined) {
    return jobArn(caller, appId, branchName, parseJobNumber(jobId) ?? 0)
  }
  if (branchName !== undefined) return branchArn(caller, appId, branchName)
  if (domainName !== undefined) return domainAssociationArn(caller, appId, domainName)
  if (environmentName !== undefined) return backendEnvironmentArn(caller, appId, environmentName)
  return appArn(caller, appId)
}

/** In lower case: a member whose case is wrong holds the same secret. */
const secretMembers = new Set([
  'accesstoken',
  'oauthtoken',
  'basicauthcredentials',
  'buildspec',
  'environmentvariables',
])
const urlMembers = new Set(['sourceurl', 'repository'])
const shownCharactersMax = 256
const shownItemsMax = 20
/** More than any operation has members. */
const parametersMax = 40
const parametersCharactersMax = 4096

const shorten = (text: string) =>
  text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text

/**
 * An address without what opens a door: user name and password, up to the last @ where one stands in a password as it is,
 * and query and fragment, since a URL that was signed lets its holder read what it names.
 */
const withoutUrlSecrets = (url: string) =>
  url.replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/is, '$1***@').replace(/[?#].*$/s, '')

/** The input as far as it may be kept: what people keep secrets in is masked, what is long is cut. */
function withoutSecrets(sent: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const parameters = Object.fromEntries(
    Object.entries(sent)
      .slice(0, parametersMax)
      .map(([name, value]) => [shorten(name), shown(value, name)]),
  )
  if (JSON.stringify(parameters).length <= parametersCharactersMax) return parameters
  const names = Object.keys(parameters).slice(0, shownItemsMax)
  return Object.fromEntries(names.map((name) => [name, '(too long)']))
}

function shown(value: unknown, name = ''): unknown {
  if (secretMembers.has(name.toLowerCase())) return '***'
  if (urlMembers.has(name.toLowerCase())) {
    return typeof value === 'string' ? shorten(withoutUrlSecrets(value)) : '***'
  }
  if (typeof value === 'string') return shorten(value)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  if (entries.length > shownItemsMax) return `(${entries.length} items)`
  return Array.isArray(value)
    ? value.map((item) => shown(item))
    : Object.fromEntries(entries.map(([key, member]) => [shorten(key), shown(member, key)]))
}
