import { randomUUID } from 'node:crypto'

import type { Logger } from 'pino'

import { hasCode } from '../model/error-code.ts'
import { isDatabaseFull } from '../store/database.ts'
import { audited, isAudited } from './audit.ts'
import { type Attempt, authorize, type Permission, permissionsFor } from './authorization.ts'
import { parseJsonObject, readBody, toJson } from './body.ts'
import type { Caller, OperationContext, Services } from './context.ts'
import {
  ApiError,
  BadRequestException,
  DependentServiceFailureException,
  InternalFailureException,
  ResourceNotFoundException,
  UnknownOperationException,
  UnrecognizedClientException,
} from './errors.ts'
import { ClientDisconnected, type HttpRequest, type HttpResponse, OtherResponse } from './http.ts'
import { checkUsable, type FindKey, keyFinder, type SigningKey } from './keys.ts'
import type { Operation, Operations } from './operation.ts'
import { operations as allOperations } from './operations.ts'
import { pipeline } from './pipeline.ts'
import { type EndpointCall, matchEndpoint, type SignedEndpoint } from './preamp/endpoints.ts'
import { handleOpenEndpoint } from './preamp/router.ts'
import { matchRoute, type Route } from './routes.ts'
import { type Claim, readClaim, verifySignature } from './sigv4.ts'
import { checkStsAction, isStsTarget, writeCallerIdentity, writeStsError } from './sts.ts'
import { readTarget, type Target } from './target.ts'
import { parseInput } from './validation.ts'

export interface Gateway {
  /** Answers every request, also one that makes a handler throw. */
  handle(request: HttpRequest): Promise<HttpResponse>
}

interface GatewayOptions {
  services: Services
  /** Address of the API as clients see it, without a slash at its end; by default the Host of each request. */
  apiUrl?: string
  log: Logger
  operations?: Operations
}

/** What every step may use besides what the steps before it found out. */
interface Exchange extends GatewayOptions {
  request: HttpRequest
  requestId: string
  operations: Operations
  findKey: FindKey
}

/** A call of the Amplify API, in the order in which it happens. Whatever a step throws ends it: see `writeError`. */
const callOperation = pipeline<Exchange & { target: Target }>()([
  identifyKey,
  readWholeBody,
  authenticate,
  matchOperation,
  readMembers,
  performOperation,
])

/** What of a call is recorded when it changes something: how it ended, refusals too. */
const perform = pipeline<Exchange & Authenticated & { route: Route; sent: Record<string, unknown> }>()([
  checkInput,
  authorizeOperation,
  runHandler,
])

/** A call of one of our own endpoints, by the same gate. */
const callEndpoint = pipeline<Exchange & { target: Target }>()([
  identifyKey,
  readWholeBody,
  authenticate,
  readEndpointCall,
  performEndpoint,
])

/** What of a call of an endpoint is recorded when it changes something. */
const actOnEndpoint = pipeline<Exchange & Authenticated & { endpoint: SignedEndpoint; call: EndpointCall }>()(
  [authorizeEndpoint, runEndpoint],
)

/** A call of STS, which is signed like the others. */
const callSts = pipeline<Exchange & { target: Target }>()([
  identifyKey,
  readWholeBody,
  authenticate,
  answerSts,
])

export function createGateway({ operations = allOperations, ...options }: GatewayOptions): Gateway {
  const findKey = keyFinder(options.services.database, options.services.secrets)
  return {
    handle: async (request) => {
      const exchange = { ...options, operations, findKey, request, requestId: randomUUID() }
      const response = await answer(exchange).catch((error: unknown) => writeError(error, exchange))
      return { ...response, headers: { ...response.headers, 'x-amzn-RequestId': exchange.requestId } }
    },
  }
}

async function answer(exchange: Exchange): Promise<HttpResponse> {
  const target = readTarget(exchange.request)
  if (target.segments[0] === '_preamp') {
    const response = await handleOpenEndpoint(exchange.request, target, exchange.services)
    if (response) return response
    const { output } = await callEndpoint({ ...exchange, target })
    return output instanceof OtherResponse ? output.response : json(200, toJson(output))
  }
  if (isStsTarget(target)) {
    return callSts({ ...exchange, target }).then(
      ({ response }) => response,
      (error: unknown) => writeStsError(answerableError(error, exchange), exchange.requestId),
    )
  }
  return json(200, toJson((await callOperation({ ...exchange, target })).output))
}

/** Before the body is read, so that nobody without a key of ours makes us read one. */
async function identifyKey({ request, target, findKey }: Exchange & { target: Target }) {
  const service = isStsTarget(target) ? 'sts' : 'amplify'
  const claim = readClaim({ headers: request.headers, target }, service)
  const key = await findKey(claim.accessKeyId)
  if (!key) throw new UnrecognizedClientException('The security token included in the request is invalid.')
  return { claim, key }
}

async function readWholeBody({ request }: Exchange) {
  return { body: await readBody(request.body) }
}

interface Signed {
  target: Target
  claim: Claim
  key: SigningKey
  body: Uint8Array
}

/** What is the matter with a key is told only to who holds its secret. */
async function authenticate({ request, services, target, claim, key, body }: Exchange & Signed) {
  const { method, headers } = request
  const now = services.now()
  await verifySignature(claim, { method, headers, target, body }, key.secretAccessKey, now)
  checkUsable(key, claim.sessionToken, now)
  const { accountId, accessKeyId, userName } = key
  const caller: Caller = { accountId, region: claim.region, accessKeyId, userName }
  return { caller }
}

function matchOperation({ request, target }: Exchange & { target: Target }) {
  const match = matchRoute(request.method, target.segments)
  if (!match) {
    throw new UnknownOperationException(
      `No operation of the Amplify API is called by ${request.method} ${target.path}. A member in the path must not be empty.`,
    )
  }
  return match
}

interface Matched {
  target: Target
  body: Uint8Array
  route: Route
  members: Record<string, string>
}

/** Members of the path win over those of the query, and both over the body's: a body cannot name another resource. */
function readMembers({ request, target, body, route, members }: Exchange & Matched) {
  const sent: Record<string, unknown> = {
    ...(request.method === 'POST' ? parseJsonObject(body) : {}),
    ...queryMembers(route, target.query),
    ...members,
  }
  return { sent }
}

function checkInput({ route, sent, operations }: Exchange & { route: Route; sent: Record<string, unknown> }) {
  return { input: parseInput(operations[route.name].input, sent) }
}

function queryMembers(route: Route, query: Target['query']): Record<string, string | readonly string[]> {
  const members: Record<string, string | readonly string[]> = {}
  for (const { name, isList } of route.query) {
    const values = query.get(name)
    if (!values) continue
    if (!isList && values.length > 1)
      throw new BadRequestException(`The parameter ${name} must be given once.`)
    members[name] = isList ? values : values[0]!
  }
  return members
}

interface Authenticated {
  target: Target
  key: SigningKey
  caller: Caller
}

/** After the input's check, which tells nothing of what exists, and before anything that does. */
async function authorizeOperation(exchange: Exchange & Authenticated & { route: Route; input: unknown }) {
  const { caller, route, input, services } = exchange
  const { queries } = services.database
  for (const permission of await permissionsFor(route.name, caller, input, queries)) {
    await authorize(queries, attemptOf(exchange, permission, input as Attempt['input']))
  }
}

async function authorizeEndpoint(
  exchange: Exchange & Authenticated & { endpoint: SignedEndpoint; call: EndpointCall },
) {
  const { members, query } = exchange.call
  const { caller, services } = exchange
  const permission = await exchange.endpoint.permission(caller, members, query, services)
  await authorize(services.database.queries, attemptOf(exchange, permission, {}))
}

const attemptOf = (
  { request, services, key, caller }: Exchange & Authenticated,
  permission: Permission,
  input: Attempt['input'],
): Attempt => ({
  caller,
  policies: key.policies,
  permission,
  input,
  remoteAddress: request.remoteAddress,
  now: services.now(),
})

const contextOf = ({
  caller,
  requestId,
  services,
  target,
  apiUrl = `http://${target.host}`,
}: Exchange & Authenticated): OperationContext => ({ caller, requestId, apiUrl, services })

async function performOperation(
  exchange: Exchange &
    Authenticated & { route: Route; members: Record<string, string>; sent: Record<string, unknown> },
): Promise<{ output: object }> {
  const { name } = exchange.route
  if (!isAudited(name)) return perform(exchange)
  return audited({ ...exchange, operation: name }, (services) => perform({ ...exchange, services }))
}

async function runHandler(
  exchange: Exchange & Authenticated & { route: Route; input: unknown },
): Promise<{ output: object }> {
  const { caller, requestId, route, input, log } = exchange
  const context = contextOf(exchange)
  const operation: Operation = exchange.operations[route.name]
  const output = await operation.handle(context, input as never)
  log.debug({ requestId, operation: route.name, accessKeyId: caller.accessKeyId }, 'API call')
  return { output }
}

function readEndpointCall({ request, target, body }: Exchange & { target: Target; body: Uint8Array }) {
  const { endpoint, call } = matchEndpoint(request, target)
  const sent = request.method === 'GET' || body.length === 0 ? {} : parseJsonObject(body)
  return { endpoint, call: { ...call, headers: request.headers, sent } }
}

async function performEndpoint(
  exchange: Exchange & Authenticated & { endpoint: SignedEndpoint; call: EndpointCall },
): Promise<{ output: object }> {
  const { method, path, bodyIsSecret } = exchange.endpoint
  if (method === 'GET') return actOnEndpoint(exchange)
  const { members, query } = exchange.call
  const sent = { ...(bodyIsSecret ? {} : exchange.call.sent), ...queryOf(query), ...members }
  return audited({ ...exchange, operation: `${method} ${path}`, members, sent }, (services) =>
    actOnEndpoint({ ...exchange, services }),
  )
}

/** What the query says, without the signature that may stand in it. */
const queryOf = (query: Target['query']) =>
  Object.fromEntries(
    [...query].filter(([name]) => !/^x-amz-/i.test(name)).map(([name, [value]]) => [name, value]),
  )

async function runEndpoint(
  exchange: Exchange & Authenticated & { endpoint: SignedEndpoint; call: EndpointCall },
): Promise<{ output: object }> {
  return { output: await exchange.endpoint.handle(contextOf(exchange), exchange.call) }
}

function answerSts({
  request,
  target,
  body,
  caller,
  requestId,
}: Exchange & Authenticated & { body: Uint8Array }): { response: HttpResponse } {
  checkStsAction(request, target, body)
  return { response: writeCallerIdentity(caller, requestId) }
}

function writeError(error: unknown, exchange: Pick<Exchange, 'requestId' | 'request' | 'log'>): HttpResponse {
  return writeApiError(answerableError(error, exchange))
}

/**
 * The one error path: what is in the catalogue is answered as it is; a full disk is told to everybody, as it ends by itself
 * or by an operator's hand; everything else is a bug and told to the log alone.
 */
function answerableError(
  error: unknown,
  { requestId, request, log }: Pick<Exchange, 'requestId' | 'request' | 'log'>,
): ApiError {
  if (error instanceof ApiError) return error
  // Nobody reads this answer.
  if (error instanceof ClientDisconnected) return new BadRequestException(error.message)
  log.error(
    { err: error, requestId, method: request.method, target: withoutQuery(request) },
    'API call failed',
  )
  if (isDatabaseFull(error) || hasCode(error, 'ENOSPC', 'EDQUOT')) {
    return new DependentServiceFailureException(
      "The server's disk is full. It takes changes again as soon as there is room on it.",
    )
  }
  return new InternalFailureException(
    `The server failed on this request. Its log names the reason under ${requestId}.`,
  )
}

function writeApiError(error: ApiError): HttpResponse {
  const code = error instanceof ResourceNotFoundException ? { code: error.code } : {}
  const { status, headers, body } = json(error.status, JSON.stringify({ ...code, message: error.message }))
  return { status, headers: { ...headers, 'x-amzn-ErrorType': error.code }, body }
}

/** The query may hold the signature of a URL. */
const withoutQuery = ({ target }: HttpRequest) => target.replace(/\?.*$/s, '')

function json(status: number, body: string): HttpResponse {
  return { status, headers: { 'Content-Type': 'application/json' }, body }
}
