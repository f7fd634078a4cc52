import { createHash } from 'node:crypto'

import type { SignatureV4 } from '@smithy/signature-v4'

import { limits } from '../model/limits.ts'
import { Sha256 } from '../model/sha256.ts'
import { equalInConstantTime } from './constant-time.ts'
import {
  IncompleteSignatureException,
  InvalidSignatureException,
  MissingAuthenticationTokenException,
} from './errors.ts'
import type { HttpRequest } from './http.ts'
import type { Target } from './target.ts'

/** Signature Version 4 in its header and its query (presigned) form, checked by AWS's own signer. */

const algorithm = 'AWS4-HMAC-SHA256'

/** Whose requests are taken, each at paths of its own. */
export type SigningService = 'amplify' | 'sts'

/** What a request says about who signed it: nothing of it is proven until `verifySignature` returns. */
export interface Claim {
  form: 'header' | 'query'
  accessKeyId: string
  /** `YYYYMMDD` of the credential scope. */
  scopeDate: string
  region: string
  service: SigningService
  signedHeaders: readonly string[]
  signature: string
  signedAt: Date
  /** Of temporary credentials. */
  sessionToken?: string
  /** Only the query form has one. */
  expiresSeconds?: number
}

type Signable = Pick<HttpRequest, 'method' | 'headers'> & { target: Target }

/**
 * Reads the claim, without a look at the body or the key.
 * @param service the one that the request must be signed for
 * @throws {MissingAuthenticationTokenException} where nobody signed
 * @throws {IncompleteSignatureException} where a part is missing or malformed
 */
export function readClaim(
  { headers, target: { query } }: Pick<Signable, 'headers' | 'target'>,
  service: SigningService = 'amplify',
): Claim {
  const authorization = headers.get('authorization')
  const isPresigned = query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')
  if (!authorization && !isPresigned) {
    throw new MissingAuthenticationTokenException('Missing Authentication Token')
  }
  if (authorization && isPresigned)
    throw incomplete('The request is signed in its headers and in its query at once')
  const claim = isPresigned ? readQueryForm(query, service) : readHeaderForm(headers, service)
  const sessionTokens = [
    ...(headers.get('x-amz-security-token') ?? []),
    ...(query.get('X-Amz-Security-Token') ?? []),
  ]
  if (sessionTokens.length === 0) return claim
  return { ...claim, sessionToken: only(sessionTokens, 'X-Amz-Security-Token') }
}

function readHeaderForm(headers: HttpRequest['headers'], service: SigningService): Claim {
  const authorization = only(headers.get('authorization'), 'Authorization header')
  if (!authorization.startsWith(`${algorithm} `))
    throw incomplete(`The Authorization header must be ${algorithm}`)
  const parts = new Map(
    authorization
      .slice(algorithm.length)
      .split(',')
      .map((part) => part.trim().split('=', 2) as [string, string]),
  )
  const part = (name: string) => parts.get(name) ?? missing(`'${name}' in the Authorization header`)
  return {
    form: 'header',
    ...readCredential(part('Credential'), service),
    signedHeaders: part('SignedHeaders').split(';'),
    signature: part('Signature'),
    signedAt: readDate(only(headers.get('x-amz-date'), 'X-Amz-Date header')),
  }
}

function readQueryForm(query: Target['query'], service: SigningService): Claim {
  const parameter = (name: string) => only(query.get(name), `'${name}' in the query`)
  if (parameter('X-Amz-Algorithm') !== algorithm) throw incomplete(`X-Amz-Algorithm must be ${algorithm}`)
  const expires = parameter('X-Amz-Expires')
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > limits.presignedSecondsMax) {
    throw incomplete(`X-Amz-Expires must be between 1 and ${limits.presignedSecondsMax} seconds`)
  }
  return {
    form: 'query',
    ...readCredential(parameter('X-Amz-Credential'), service),
    signedHeaders: parameter('X-Amz-SignedHeaders').split(';'),
    signature: parameter('X-Amz-Signature'),
    signedAt: readDate(parameter('X-Amz-Date')),
    expiresSeconds: Number(expires),
  }
}

function readCredential(
  text: string,
  service: SigningService,
): Pick<Claim, 'accessKeyId' | 'scopeDate' | 'region' | 'service'> {
  const [accessKeyId, scopeDate, region, scopeService, terminator, ...rest] = text.split('/')
  if (!accessKeyId || !scopeDate || !region || rest.length > 0 || terminator !== 'aws4_request') {
    throw incomplete('The credential must be <access key id>/<date>/<region>/<service>/aws4_request')
  }
  if (scopeService !== service) {
    throw new InvalidSignatureException(`Credential should be scoped to correct service: '${service}'.`)
  }
  // The region becomes a part of ARNs.
  if (!/^[a-z0-9-]{1,64}$/.test(region)) throw incomplete('The region of the credential is malformed')
  return { accessKeyId, scopeDate, region, service }
}

/** `YYYYMMDDTHHMMSSZ`; a day such as the 31st of February is none. */
function readDate(text: string): Date {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text)
  if (parts) {
    const [, year, month, day, hour, minute, second] = parts
    const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
    if (!Number.isNaN(date.getTime()) && longDate(date) === text) return date
  }
  throw incomplete('X-Amz-Date must be a time of the form YYYYMMDDTHHMMSSZ')
}

/**
 * Checks that the holder of the secret signed this very request, and when.
 * @param now epoch milliseconds
 * @throws {InvalidSignatureException} saying which check failed
 */
export async function verifySignature(
  claim: Claim,
  request: Signable & { body: Uint8Array },
  secretAccessKey: string,
  now: number,
): Promise<void> {
  checkTimes(claim, now)
  checkSignedHeaders(claim, request.headers)
  checkBody(request)
  const expected = await sign(claim, request, secretAccessKey)
  if (!equalInConstantTime(claim.signature, expected)) {
    throw new InvalidSignatureException(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    )
  }
}

function checkTimes({ signedAt, scopeDate, expiresSeconds }: Claim, now: number): void {
  const signed = longDate(signedAt)
  if (!signed.startsWith(scopeDate) || scopeDate.length !== 8) {
    throw new InvalidSignatureException(
      `Date in Credential scope does not match YYYYMMDD of X-Amz-Date: ${signed}.`,
    )
  }
  const skewMilliseconds = limits.signatureAgeSecondsMax * 1000
  const validMilliseconds = (expiresSeconds ?? limits.signatureAgeSecondsMax) * 1000
  if (now > signedAt.getTime() + validMilliseconds) {
    throw new InvalidSignatureException(
      `Signature expired: ${signed} is now earlier than ${longDate(new Date(now - validMilliseconds))}.`,
    )
  }
  if (now < signedAt.getTime() - skewMilliseconds) {
    throw new InvalidSignatureException(
      `Signature not yet current: ${signed} is still later than ${longDate(new Date(now + skewMilliseconds))}.`,
    )
  }
}

/** Without this, a header that steers the call could be added to a request that somebody else signed. */
function checkSignedHeaders({ signedHeaders }: Claim, headers: HttpRequest['headers']): void {
  const needed = ['host', ...[...headers.keys()].filter((name) => name.startsWith('x-amz-'))]
  const unsigned = needed.filter((name) => !signedHeaders.includes(name))
  if (unsigned.length > 0) {
    throw new InvalidSignatureException(
      `'Host' and every 'X-Amz-' header must be signed. Not signed: ${unsigned.join(', ')}.`,
    )
  }
}

/** The signer believes `x-amz-content-sha256` without a look at the body, so it is held against the body here. */
function checkBody({ headers, body }: { headers: HttpRequest['headers']; body: Uint8Array }): void {
  const sent = headers.get('x-amz-content-sha256')
  if (!sent) return
  const actual = createHash('sha256').update(body).digest('hex')
  // UNSIGNED-PAYLOAD is for Amazon S3 alone: here it is a hash that fits no body.
  if (sent.length !== 1 || sent[0] !== actual) {
    throw new InvalidSignatureException(
      "The value of 'X-Amz-Content-SHA256' is not the SHA-256 of the request body.",
    )
  }
}

/** Loaded by the first signed request, so that no start waits for it. */
let signerClass: typeof SignatureV4 | undefined

/** The signature that the holder of the secret would have put on this request, in lower-case hex. */
async function sign(
  claim: Claim,
  { method, target, headers, body }: Signable & { body: Uint8Array },
  secretAccessKey: string,
): Promise<string> {
  signerClass ??= (await import('@smithy/signature-v4')).SignatureV4
  const signer = new signerClass({
    credentials: { accessKeyId: claim.accessKeyId, secretAccessKey },
    region: claim.region,
    service: claim.service,
    sha256: Sha256,
    applyChecksum: false,
  })
  const query: Record<string, string[]> = {}
  for (const [name, values] of target.query) if (name !== 'X-Amz-Signature') query[name] = [...values]
  const signable = {
    method,
    protocol: 'http:',
    hostname: target.host,
    path: target.path,
    query,
    headers: Object.fromEntries(
      claim.signedHeaders.flatMap((name) => {
        const values = headers.get(name)
        return values ? [[name, values.join(',')]] : []
      }),
    ),
    body,
  }
  const signableHeaders = new Set(claim.signedHeaders)
  if (claim.form === 'query') {
    const presigned = await signer.presign(signable, {
      signingDate: claim.signedAt,
      expiresIn: claim.expiresSeconds!,
      signableHeaders,
      unhoistableHeaders: signableHeaders,
    })
    return String(presigned.query?.['X-Amz-Signature'])
  }
  const signed = await signer.sign(signable, { signingDate: claim.signedAt, signableHeaders })
  return signed.headers['authorization']!.replace(/^.*Signature=/, '')
}

const longDate = (date: Date) => date.toISOString().replace(/[-:]|\.\d{3}/g, '')

function only(values: readonly string[] | undefined, what: string): string {
  const [value] = values ?? []
  if (values?.length !== 1 || !value) return missing(what)
  return value
}

function missing(what: string): never {
  throw incomplete(`The signature requires exactly one ${what}`)
}

const incomplete = (reason: string) => new IncompleteSignatureException(`${reason}.`)
