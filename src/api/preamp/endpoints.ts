import type { Permission } from '../authorization.ts'
import type { Caller, OperationContext, Services } from '../context.ts'
import { NotFoundException } from '../errors.ts'
import type { HttpRequest } from '../http.ts'
import type { Target } from '../target.ts'
import { changeAppOptions, readAppOptions } from './app-options.ts'
import { readAudit } from './audit.ts'
import { deleteSecret, listSecrets, setSecret } from './build-secrets.ts'
import { readDomainChecks, verifyDomain } from './domain-checks.ts'
import { explainUrl } from './explain.ts'
import { followAccessLog } from './follow-access-log.ts'
import { deleteRegistry, readRegistry, setRegistry } from './image-registry.ts'
import { jobLog } from './job-log.ts'
import { addTarget, listDeliveries, listTargets, removeTarget, testTarget } from './notifications.ts'
import { listRollbacks, rollBack } from './rollback.ts'
import { webhookDeliveries } from './webhook-deliveries.ts'

/** One of our own endpoints that only the holder of a key may call: signed as a call of the API is, answered in JSON. */
export interface SignedEndpoint {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments in braces are members, as in `routes.ts`. */
  path: `/_preamp/${string}`
  /** What its caller must be allowed, by the same policies as the operations. It may look up whose a thing is. */
  permission(
    caller: Caller,
    members: EndpointCall['members'],
    query: EndpointCall['query'],
    services: Services,
  ): Permission | Promise<Permission>
  /** Whether nothing of the body may be in the audit log. */
  bodyIsSecret?: true
  /** The answer: an object that becomes JSON, or an `OtherResponse`. What belongs to nobody or to somebody else is not found, as in the API. */
  handle(context: OperationContext, call: EndpointCall): Promise<object>
}

export interface EndpointCall {
  members: Readonly<Record<string, string>>
  query: Target['query']
  headers: HttpRequest['headers']
  /** The JSON object that was sent, to be checked; empty where there was none. */
  sent: Readonly<Record<string, unknown>>
}

export const signedEndpoints: readonly SignedEndpoint[] = [
  listSecrets,
  setSecret,
  deleteSecret,
  readAppOptions,
  changeAppOptions,
  readRegistry,
  setRegistry,
  deleteRegistry,
  readAudit,
  jobLog,
  readDomainChecks,
  verifyDomain,
  listTargets,
  addTarget,
  removeTarget,
  testTarget,
  listDeliveries,
  listRollbacks,
  rollBack,
  webhookDeliveries,
  explainUrl,
  followAccessLog,
]

/** @throws {NotFoundException} */
export function matchEndpoint(
  { method }: Pick<HttpRequest, 'method'>,
  { path, segments, query }: Target,
): { endpoint: SignedEndpoint; call: Pick<EndpointCall, 'members' | 'query'> } {
  for (const endpoint of signedEndpoints) {
    const members = endpoint.method === method && matchSegments(endpoint.path, segments)
    if (members) return { endpoint, call: { members, query } }
  }
  throw new NotFoundException(`Preamp answers nothing to ${method} ${path}.`)
}

function matchSegments(path: string, segments: readonly string[]): Record<string, string> | undefined {
  const expected = path.slice(1).split('/')
  if (expected.length !== segments.length) return undefined
  const members: Record<string, string> = {}
  for (const [at, literal] of expected.entries()) {
    const segment = segments[at]!
    if (literal.startsWith('{') && segment !== '') members[literal.slice(1, -1)] = segment
    else if (literal !== segment) return undefined
  }
  return members
}
