import { mutateBody } from './body-mutations.ts'
import { mutateBytes } from './byte-mutations.ts'
import { newCall } from './calls.ts'
import { serialize } from './fuzz-request.ts'
import { mutateHeaders } from './header-mutations.ts'
import { Random } from './random.ts'
import { mutateSignature, sign } from './signing.ts'
import { mutateMethod, mutateTarget } from './target-mutations.ts'
import type { Tenant } from './tenants.ts'

export interface Sent {
  bytes: Buffer
  /** Whose resources the answer may show; nobody's where that cannot be said. */
  reader: Tenant | undefined
  /** Whether HTTP itself is as it should be, so that there must be an answer. */
  isProperHttp: boolean
}

/**
 * The request of this number: the same for the same seed, but for the ids that the tenants' resources have. What is changed
 * before it is signed gets past the signature; what is changed afterwards tries the signature and HTTP itself.
 */
export async function generate(seed: number, number: number, tenants: readonly Tenant[]): Promise<Sent> {
  const random = new Random(seed, number)
  const request = newCall(random, tenants)
  if (random.chance(0.15)) mutateTarget(random, request)
  if (random.chance(0.05)) mutateMethod(random, request)
  if (random.chance(0.25)) mutateBody(random, request)
  request.headers.unshift(['Host', 'localhost'], ['User-Agent', 'fuzz'])
  if (request.body.length > 0) request.headers.push(['Content-Type', 'application/json'])
  await sign(random, request)
  if (random.chance(0.1)) mutateSignature(random, request)
  request.headers.push(['Connection', 'close'])
  if (request.body.length > 0) request.headers.push(['Content-Length', String(request.body.length)])
  const changesHeaders = random.chance(0.1)
  if (changesHeaders) mutateHeaders(random, request)
  const bytes = serialize(request)
  const changesBytes = random.chance(0.05)
  return {
    bytes: changesBytes ? mutateBytes(random, bytes) : bytes,
    reader: request.reader,
    // A connection that asks for a tunnel is closed.
    isProperHttp: !changesHeaders && !changesBytes && request.method !== 'CONNECT',
  }
}
