import { SignatureV4, type SignatureV4Init } from '@smithy/signature-v4'

import type { Config } from '../config.ts'
import { Sha256 } from '../model/sha256.ts'
import { apiUrlOf, findCredentials } from './amplify-client.ts'

/**
 * Calls one of the server's own endpoints, signed as AWS's clients sign the API.
 * @param path with its segments encoded
 * @returns the answer
 * @throws an error with the name and message of the API's, which `explainApiError` knows
 */
export async function callEndpoint<Answer>(
  config: Config,
  method: 'GET' | 'POST',
  path: string,
): Promise<Answer> {
  const url = new URL(path, apiUrlOf(config, process.env))
  const { region } = config
  const response = await sendSigned(method, url, {
    region,
    credentials: findCredentials(config, process.env),
  })
  if (!response.ok) throw await errorOf(response)
  return (await response.json()) as Answer
}

/** Sends a request without a body, signed as AWS's clients sign theirs to the API. */
export async function sendSigned(
  method: string,
  url: URL,
  signature: Pick<SignatureV4Init, 'region' | 'credentials'>,
): Promise<Response> {
  const signer = new SignatureV4({ service: 'amplify', sha256: Sha256, ...signature })
  const { protocol, hostname, port, host } = url
  const { headers } = await signer.sign({
    method,
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host },
  })
  return fetch(url, { method, headers })
}

async function errorOf(response: Response): Promise<Error> {
  const text = await response.text()
  const name = response.headers.get('x-amzn-errortype')
  if (name === null) return new Error(`The server answered ${response.status}: ${text}`)
  const { message } = JSON.parse(text) as { message: string }
  return Object.assign(new Error(message), { name, $fault: response.status < 500 ? 'client' : 'server' })
}
