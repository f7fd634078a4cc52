import { SignatureV4 } from '@smithy/signature-v4'

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
  const signer = new SignatureV4({
    service: 'amplify',
    region: config.region,
    credentials: findCredentials(config, process.env),
    sha256: Sha256,
  })
  const { protocol, hostname, port, host } = url
  const { headers } = await signer.sign({
    method,
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: url.pathname,
    headers: { host },
  })
  const response = await fetch(url, { method, headers })
  if (!response.ok) throw await errorOf(response)
  return (await response.json()) as Answer
}

async function errorOf(response: Response): Promise<Error> {
  const text = await response.text()
  const name = response.headers.get('x-amzn-errortype')
  if (name === null) return new Error(`The server answered ${response.status}: ${text}`)
  const { message } = JSON.parse(text) as { message: string }
  return Object.assign(new Error(message), { name, $fault: response.status < 500 ? 'client' : 'server' })
}
