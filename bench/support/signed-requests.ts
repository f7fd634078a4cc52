import * as amplify from '@aws-sdk/client-amplify'
import { SignatureV4 } from '@smithy/signature-v4'

import type { OperationName } from '../../src/api/operation.ts'

/** A request as it goes over the wire, signed ahead so that a measured client has nothing to do but send it. */
export interface SignedRequest {
  method: string
  /** Path and query. */
  target: string
  headers: Record<string, string>
  body: string
}

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

export const region = 'us-east-1'

/** Requests of the Amplify API exactly as AWS's own client writes and signs them. */
export function amplifySigner(endpoint: string, credentials: Credentials) {
  let written: SignedRequest | undefined
  const client = new amplify.AmplifyClient({
    endpoint,
    region,
    credentials,
    maxAttempts: 1,
    requestHandler: {
      handle: (request: WireRequest) => {
        written = {
          method: request.method,
          target: request.path + queryText(request.query),
          headers: request.headers,
          body: Buffer.from(request.body ?? '').toString(),
        }
        return Promise.reject(new NotSent())
      },
    },
  })
  return async (name: OperationName, input: object): Promise<SignedRequest> => {
    const Command = amplify[`${name}Command`] as new (input: object) => amplify.GetAppCommand
    await client.send(new Command(input)).catch((error: unknown) => {
      if (!(error instanceof NotSent)) throw error
    })
    return written!
  }
}

class NotSent extends Error {}

interface WireRequest {
  method: string
  path: string
  query: Record<string, string | string[] | null>
  headers: Record<string, string>
  body?: string | Uint8Array
}

/** A request of another REST-JSON service, signed by AWS's signer. */
export async function signRequest(
  service: string,
  { method, target, body }: Omit<SignedRequest, 'headers'>,
  endpoint: string,
): Promise<SignedRequest> {
  const signer = new SignatureV4({
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    region,
    service,
    sha256: Sha256,
  })
  const [path = '', query = ''] = target.split('?')
  const { host, hostname } = new URL(endpoint)
  const { headers } = await signer.sign({
    method,
    protocol: 'http:',
    hostname,
    path,
    query: Object.fromEntries(new URLSearchParams(query)),
    headers: { host, 'content-type': 'application/json' },
    body,
  })
  return { method, target, headers, body }
}

/** Bun's hashes as the signer wants them. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = new Bun.CryptoHasher('sha256', secret as string | undefined)
  }
  update(data: Uint8Array) {
    this.#hash.update(data)
  }
  digest() {
    return Promise.resolve(new Uint8Array(this.#hash.digest()))
  }
  reset() {}
}

function queryText(query: WireRequest['query']): string {
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    [values ?? ''].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}
