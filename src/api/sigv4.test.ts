import { describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'

import { SignatureV4 } from '@smithy/signature-v4'

import {
  IncompleteSignatureException,
  InvalidSignatureException,
  MissingAuthenticationTokenException,
} from './errors.ts'
import { readClaim, verifySignature } from './sigv4.ts'
import { readTarget } from './target.ts'

/**
 * Requests signed here by AWS's signer; test/conformance has those of AWS's clients. What is changed after signing must
 * be noticed.
 */

const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const now = Date.UTC(2026, 0, 31, 12, 0, 0)
const minute = 60_000

class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? new Bun.CryptoHasher('sha256') : new Bun.CryptoHasher('sha256', secret as never)
  }
  update(data: Uint8Array) {
    this.#hash.update(data)
  }
  async digest() {
    return new Uint8Array(this.#hash.digest())
  }
  reset() {}
}

interface Draft {
  method: string
  target: string
  headers: Record<string, string>
  body: string
}

function signer(service = 'amplify') {
  return new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region: 'eu-central-1',
    service,
    sha256: Sha256,
  })
}

function httpRequest({ method, target, headers, body }: Draft) {
  const [path = '', query = ''] = target.split('?')
  const parameters: Record<string, string[]> = {}
  for (const [name, value] of new URLSearchParams(query))
    parameters[name] = [...(parameters[name] ?? []), value]
  return { method, protocol: 'http:', hostname: 'localhost', path, query: parameters, headers, body }
}

const draft = (changes: Partial<Draft> = {}): Draft => ({
  method: 'POST',
  target: '/apps/d1/branches/feature%2Fx',
  headers: { host: 'localhost:4700', 'content-type': 'application/json' },
  body: '{}',
  ...changes,
})

async function signed(changes: Partial<Draft> = {}, signedAt = now, service = 'amplify'): Promise<Draft> {
  const unsigned = draft(changes)
  const { headers } = await signer(service).sign(httpRequest(unsigned), { signingDate: new Date(signedAt) })
  return { ...unsigned, headers }
}

async function presigned(expiresIn = 900, changes: Partial<Draft> = {}): Promise<Draft> {
  const unsigned = draft({ method: 'GET', body: '', headers: { host: 'localhost:4700' }, ...changes })
  const { query = {} } = await signer().presign(httpRequest(unsigned), {
    signingDate: new Date(now),
    expiresIn,
  })
  const text = Object.entries(query)
    .flatMap(([name, values]) =>
      [values ?? ''].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
    )
    .join('&')
  return { ...unsigned, target: `${unsigned.target.split('?')[0]}?${text}` }
}

async function verify(request: Draft, at = now, secret = secretAccessKey) {
  const headers = new Map(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value.split('\n')]),
  )
  const target = readTarget({ target: request.target, headers })
  const claim = readClaim({ headers, target })
  await verifySignature(
    claim,
    { method: request.method, headers, target, body: Buffer.from(request.body) },
    secret,
    at,
  )
  return claim
}

const withHeaders = (request: Draft, headers: Record<string, string>): Draft => ({
  ...request,
  headers: { ...request.headers, ...headers },
})
const without = (request: Draft, name: string): Draft => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).filter(([key]) => key !== name)),
})

describe('a signed request passes', () => {
  test('and names its key and region', async () => {
    expect(await verify(await signed())).toMatchObject({
      accessKeyId,
      region: 'eu-central-1',
      form: 'header',
    })
  })

  test.each([
    ['a slash in a segment', '/apps/d1/branches/feature%2Fx'],
    ['a space', '/apps/d1/branches/a%20b'],
    ['a percent sign', '/apps/d1/branches/a%25b'],
    ['other scripts', '/apps/d1/branches/%E6%97%A5%E6%9C%AC'],
    ['an ARN', '/tags/arn%3Aaws%3Aamplify%3Aeu-central-1%3A0%3Aapps%2Fd1'],
    ['characters that need no escape but have one', '/apps/%7Ed%31'],
    ['repeated parameters', '/tags/x?tagKeys=b&tagKeys=a%20b&tagKeys=%2B'],
    ['an empty parameter', '/apps?nextToken='],
  ])('with %s', async (_name, target) => {
    expect(await verify(await signed({ target }))).toMatchObject({ accessKeyId })
  })

  test('with signed headers that signers usually leave out', async () => {
    const headers = { host: 'localhost', 'user-agent': 'a   b', 'x-amz-user-agent': 'c' }
    const request = draft({ headers })
    const { headers: all } = await signer().sign(httpRequest(request), {
      signingDate: new Date(now),
      signableHeaders: new Set(['user-agent']),
    })
    expect((await verify({ ...request, headers: all })).signedHeaders).toContain('user-agent')
  })

  test('as a presigned URL', async () => {
    expect(await verify(await presigned())).toMatchObject({ accessKeyId, form: 'query', expiresSeconds: 900 })
  })

  test('within 15 minutes either way, presigned until it expires', async () => {
    await verify(await signed(), now + 15 * minute)
    await verify(await signed(), now - 15 * minute)
    await verify(await presigned(3600), now + 60 * minute)
  })
})

describe('InvalidSignatureException', () => {
  const cases: [string, () => Promise<Draft>, number?, string?][] = [
    ['another secret', signed, now, `${secretAccessKey}x`],
    ['another method', async () => ({ ...(await signed()), method: 'DELETE' })],
    ['another path', async () => ({ ...(await signed()), target: '/apps/d1/branches/feature/x' })],
    [
      'a path encoded in another way',
      async () => ({ ...(await signed()), target: '/apps/d1/branches/feature%2fx' }),
    ],
    ['another parameter', async () => ({ ...(await signed()), target: '/apps/d1/branches/feature%2Fx?a=b' })],
    ['another host', async () => withHeaders(await signed(), { host: 'elsewhere' })],
    ['another signed header', async () => withHeaders(await signed(), { 'content-type': 'text/plain' })],
    ['an added x-amz header', async () => withHeaders(await signed(), { 'x-amz-target': 'x' })],
    [
      'a doubled signed header',
      async () =>
        withHeaders(await signed(), { host: 'localhost:4700', 'content-type': 'application/json\nb' }),
    ],
    ['another body', async () => ({ ...(await signed()), body: '{"a":1}' })],
    [
      'another body, with the header left out of what is signed',
      async () => ({ ...without(await signed(), 'x-amz-content-sha256'), body: '{"a":1}' }),
    ],
    [
      'an unsigned payload',
      () => signed({ headers: { host: 'a', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
    ],
    [
      'the hash of another body',
      () =>
        signed({
          headers: { host: 'a', 'x-amz-content-sha256': createHash('sha256').update('x').digest('hex') },
        }),
    ],
    ['another service', () => signed({}, now, 's3')],
    ['an age of more than 15 minutes', signed, now + 15 * minute + 1000],
    ['a time more than 15 minutes ahead', signed, now - 15 * minute - 1000],
    [
      'a scope of another day',
      async () => {
        const request = await signed()
        return withHeaders(request, {
          authorization: request.headers['authorization']!.replace('20260131', '20260130'),
        })
      },
    ],
    [
      'no signed host',
      async () => {
        const request = await signed()
        return withHeaders(request, { authorization: request.headers['authorization']!.replace(';host', '') })
      },
    ],
    ['a presigned URL past its end', () => presigned(60), now + 61_000],
    ['a presigned URL of the future', presigned, now - 16 * minute],
    [
      'a presigned URL with another end',
      async () => replaceTarget(await presigned(60), 'Expires=60', 'Expires=600'),
    ],
    ['a presigned URL of another method', async () => ({ ...(await presigned()), method: 'DELETE' })],
    [
      'a presigned URL with an added x-amz header',
      async () => withHeaders(await presigned(), { 'x-amz-date': '20260131T120000Z' }),
    ],
  ]
  test.each(cases)('%s', async (_name, request, at = now, secret = secretAccessKey) => {
    await expect(verify(await request(), at, secret)).rejects.toBeInstanceOf(InvalidSignatureException)
  })
})

const replaceTarget = (request: Draft, from: string, to: string): Draft => ({
  ...request,
  target: request.target.replace(from, to),
})

const changed = async (from: string | RegExp, to: string) => {
  const request = await signed()
  return withHeaders(request, { authorization: request.headers['authorization']!.replace(from, to) })
}

describe('IncompleteSignatureException', () => {
  const cases: [string, () => Promise<Draft>][] = [
    ['another scheme', async () => withHeaders(draft(), { authorization: 'Basic YTpi' })],
    ['another algorithm', () => changed('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')],
    ['no signature', () => changed(/, Signature=.*/, '')],
    ['no signed headers', () => changed(/SignedHeaders=[^,]*, /, '')],
    ['a short credential', () => changed('/aws4_request', '')],
    ['a long credential', () => changed('AKIDEXAMPLE/', 'AKIDEXAMPLE/x/')],
    ['a malformed region', () => changed('eu-central-1', 'eu:central')],
    ['two Authorization headers', async () => withHeaders(await signed(), { authorization: 'a\nb' })],
    ['no date', async () => without(await signed(), 'x-amz-date')],
    ['a date that is none', async () => withHeaders(await signed(), { 'x-amz-date': '20260231T120000Z' })],
    [
      'a presigned URL of more than a week',
      async () => replaceTarget(await presigned(60), 'Expires=60', 'Expires=604801'),
    ],
    [
      'a presigned URL without an end',
      async () =>
        replaceTarget(await presigned(60), /&?X-Amz-Expires=60/.exec((await presigned(60)).target)![0], ''),
    ],
    [
      'a presigned URL with two ends',
      async () => replaceTarget(await presigned(60), 'X-Amz-Expires=60', 'X-Amz-Expires=60&X-Amz-Expires=60'),
    ],
    [
      'both forms at once',
      async () =>
        withHeaders(await presigned(), { authorization: (await signed()).headers['authorization']! }),
    ],
  ]
  test.each(cases)('%s', async (_name, request) => {
    await expect(verify(await request())).rejects.toBeInstanceOf(IncompleteSignatureException)
  })
})

test('a request that nobody signed', async () => {
  await expect(verify(draft())).rejects.toBeInstanceOf(MissingAuthenticationTokenException)
})

test('a session token is read where it is sent, and is signed', async () => {
  const sent = { headers: { host: 'localhost:4700', 'x-amz-security-token': 'x' } }
  const request = await signed(sent)
  expect((await verify(request)).sessionToken).toBe('x')
  expect((await verify(await signed())).sessionToken).toBeUndefined()
  const inQuery = await presigned(900, { target: '/apps?X-Amz-Security-Token=y' })
  expect((await verify(inQuery)).sessionToken).toBe('y')
  await expect(verify(withHeaders(request, { 'x-amz-security-token': 'y' }))).rejects.toBeInstanceOf(
    InvalidSignatureException,
  )
  await expect(verify(withHeaders(request, { 'x-amz-security-token': 'x\nx' }))).rejects.toBeInstanceOf(
    IncompleteSignatureException,
  )
})
