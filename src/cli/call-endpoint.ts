import { SignatureV4, type SignatureV4Init } from '@smithy/signature-v4'

import type { SignedEndpoint } from '../api/preamp/endpoints.ts'
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
  method: SignedEndpoint['method'],
  path: string,
  body?: object,
): Promise<Answer> {
  const url = new URL(path, apiUrlOf(config, process.env))
  const { region } = config
  const signature = { region, credentials: findCredentials(config, process.env) }
  const response = await sendSigned(method, url, signature, { body: body && JSON.stringify(body) })
  if (!response.ok) throw await errorOf(response)
  return (await response.json()) as Answer
}

/**
 * Sends a request, signed as AWS's clients sign theirs to the API.
 * @param content.headers sent beside those that are signed
 */
export async function sendSigned(
  method: string,
  url: URL,
  signature: Pick<SignatureV4Init, 'region' | 'credentials'>,
  content: { body?: string | undefined; headers?: Record<string, string> } = {},
): Promise<Response> {
  const { body } = content
  const signer = new SignatureV4({ service: 'amplify', sha256: Sha256, ...signature })
  const { protocol, hostname, port, host } = url
  const { headers } = await signer.sign({
    method,
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: url.pathname,
    query: queryOf(url),
    headers: { host, ...(body !== undefined && { 'content-type': 'application/json' }) },
    body,
  })
  return fetch(url, {
    method,
    headers: { ...content.headers, ...headers },
    ...(body !== undefined && { body }),
  })
}

/** A parameter that is sent twice has two values. */
function queryOf({ searchParams }: URL): Record<string, string | string[]> {
  const names = new Set(searchParams.keys())
  return Object.fromEntries(
    [...names].map((name) => {
      const values = searchParams.getAll(name)
      return [name, values.length === 1 ? values[0]! : values]
    }),
  )
}

/** What went wrong, from an answer that says so. */
export async function errorOf(response: Response): Promise<Error> {
  const text = await response.text()
  const name = response.headers.get('x-amzn-errortype')
  if (name === null) return new Error(`The server answered ${response.status}: ${text}`)
  const { message } = JSON.parse(text) as { message: string }
  return Object.assign(new Error(message), { name, $fault: response.status < 500 ? 'client' : 'server' })
}
