import { createHash } from 'node:crypto'

import { userArn } from '../model/arn.ts'
import type { Caller } from './context.ts'
import { type ApiError, BadRequestException, InternalFailureException } from './errors.ts'
import type { HttpRequest, HttpResponse } from './http.ts'
import type { Target } from './target.ts'

/**
 * STS's GetCallerIdentity on the API's own address, so that Terraform and the AWS CLI can ask who they are. STS speaks
 * AWS's query protocol: a form as the request, XML as the answer.
 */

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Whether a request is one to STS: no operation of the Amplify API lies at the root. */
export const isStsTarget = ({ path }: Target) => path === '/'

/** @throws {BadRequestException} for every action but GetCallerIdentity */
export function checkStsAction({ method }: HttpRequest, { query }: Target, body: Uint8Array): void {
  const form = new URLSearchParams(method === 'POST' ? new TextDecoder().decode(body) : '')
  const action = form.get('Action') ?? query.get('Action')?.[0]
  if (action === 'GetCallerIdentity') return
  const asked = action === undefined ? 'No action was named' : 'This action of STS is not answered here'
  throw new BadRequestException(`${asked}: Preamp answers GetCallerIdentity.`)
}

/** Who signed, for whom no permission is needed, as on AWS. */
export function writeCallerIdentity({ accountId, userName }: Caller, requestId: string): HttpResponse {
  const result = [
    element('Arn', userArn(accountId, userName)),
    element('UserId', userId(accountId, userName)),
    element('Account', accountId),
  ].join('')
  return xml(
    200,
    `<GetCallerIdentityResponse xmlns="${namespace}"><GetCallerIdentityResult>${result}</GetCallerIdentityResult><ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata></GetCallerIdentityResponse>`,
  )
}

/** STS has names of its own for what is wrong with credentials. */
const stsCodes: Record<string, string> = {
  UnrecognizedClientException: 'InvalidClientTokenId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  BadRequestException: 'InvalidAction',
}

export function writeStsError(error: ApiError, requestId: string): HttpResponse {
  const code = stsCodes[error.code] ?? error.code.replace(/Exception$/, '')
  const type = error instanceof InternalFailureException ? 'Receiver' : 'Sender'
  const details = [element('Type', type), element('Code', code), element('Message', error.message)].join('')
  const { headers, ...response } = xml(
    error.status,
    `<ErrorResponse xmlns="${namespace}"><Error>${details}</Error>${element('RequestId', requestId)}</ErrorResponse>`,
  )
  return { ...response, headers: { ...headers, 'x-amzn-ErrorType': code } }
}

/** As IAM makes them: `AIDA` and 17 letters and digits. The same for a user each time. */
function userId(accountId: string, userName: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([accountId, userName]))
    .digest('hex')
  return `AIDA${BigInt(`0x${digest}`).toString(36).toUpperCase().slice(0, 17)}`
}

const element = (name: string, text: string) => `<${name}>${escapeXml(text)}</${name}>`

/** Characters that XML 1.0 cannot hold, even escaped, are left out. */
const escapeXml = (text: string) =>
  text
    // oxlint-disable-next-line no-control-regex -- these are the characters meant
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

function xml(status: number, body: string): HttpResponse {
  return { status, headers: { 'Content-Type': 'text/xml' }, body }
}
