import { SignatureV4 } from '@smithy/signature-v4'

import { Sha256 } from '../../../src/model/sha256.ts'
import type { FuzzRequest } from './fuzz-request.ts'
import type { Random } from './random.ts'
import { strangeText } from './strange-values.ts'

/** Signs as a client would that means what the target says, however strange: the request then gets past the signature. */
export async function sign(random: Random, request: FuzzRequest): Promise<void> {
  const { signer } = request
  if (!signer) return
  const [path = '', ...query] = request.target.replace(/^https?:\/\/[^/?#]*/i, '').split('?')
  const v4 = new SignatureV4({
    credentials: signer.key,
    region: random.chance(0.97) ? 'us-east-1' : random.pick(regions),
    service: random.chance(0.99) ? 'amplify' : 's3',
    sha256: Sha256,
    applyChecksum: false,
  })
  const headers = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]))
  const signable = {
    method: request.method,
    protocol: 'http:',
    hostname: 'localhost',
    path,
    query: queryOf(query.join('?')),
    headers,
    body: new Uint8Array(request.body),
  }
  const signingDate = random.chance(0.98) ? new Date() : new Date(Date.now() + random.pick(skewsMilliseconds))
  if (random.chance(0.1)) {
    const { query: presigned = {} } = await v4.presign(signable, { signingDate, expiresIn: 60 })
    const parameters = Object.entries(presigned).flatMap(([name, values]) =>
      [values].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value ?? '')}`),
    )
    request.target = `${path}?${parameters.join('&')}`
  } else {
    const signed = await v4.sign(signable, { signingDate })
    request.headers = Object.entries(signed.headers)
  }
}

const regions = ['eu-west-1', '', 'us-east-1/', 'a'.repeat(65), '__proto__', 'US']
const skewsMilliseconds = [-1e15, -3600e3, -899e3, 899e3, 3600e3, 1e14]

function queryOf(text: string): Record<string, string[]> {
  const query: Record<string, string[]> = {}
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const [name = '', ...value] = pair.split('=').map(decode)
    const values = (query[name] = Object.hasOwn(query, name) ? query[name]! : [])
    values.push(value.join('='))
  }
  return query
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Spoils what the signature says of itself, in the header or in the query. */
export function mutateSignature(random: Random, request: FuzzRequest): void {
  const spoil = random.pick(spoils)
  const strange = strangeText(random)
  request.headers = request.headers.map(([name, value]) =>
    /^(authorization|x-amz-date)$/i.test(name) ? [name, spoil(random, value, strange)] : [name, value],
  )
  if (!request.target.includes('X-Amz-Signature')) return
  request.target = spoil(random, request.target, encodeURIComponent(strange.toWellFormed()))
}

type Spoil = (random: Random, text: string, strange: string) => string

const spoils: readonly Spoil[] = [
  (random, text) => text.slice(0, random.below(text.length)),
  (_random, text, strange) => text + strange,
  (random, text) => text.replace(/[0-9a-f]{64}/, (hash) => hash.slice(0, random.below(64))),
  (_random, text) => text.replace(/[0-9a-f]{64}/, (hash) => hash.toUpperCase()),
  (_random, text, strange) => text.replace(/[0-9a-f]{64}/, () => strange),
  (_random, text, strange) => text.replace(/SignedHeaders=[^,&]*/, () => `SignedHeaders=${strange}`),
  (_random, text) =>
    text.replace(/SignedHeaders=[^,&]*/, 'SignedHeaders=;;host;host;__proto__;authorization'),
  (_random, text, strange) => text.replace(/Credential=[^,&/%]*/, () => `Credential=${strange}`),
  (_random, text, strange) => text.replace('us-east-1', () => strange),
  (_random, text) => text.replace('aws4_request', 'aws4_request/more'),
  (_random, text) => text.replace('HMAC-SHA256', 'ECDSA-P256-SHA256'),
  (_random, text) => text.replace(/\d{8}T\d{6}Z/, '99999999T999999Z'),
  (_random, text) => text.replace(/\d{8}T\d{6}Z/, '00000101T000000Z'),
  (_random, text) => text.replace(/\/\d{8}\//, '//'),
  (_random, text) => text.replaceAll(', ', ','),
  (_random, text) => `${text}, ${text}`,
  (_random, text, strange) => text.replace(/Expires=\d+/, () => `Expires=${strange}`),
]
