import { sendSigned } from '../../src/cli/call-endpoint.ts'
import type { KeyPair } from '../../src/first-key.ts'

/** An answer of one of our own endpoints: its status and its JSON. */
export async function askEndpoint(
  server: { url: string; key: KeyPair },
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; answer: unknown }> {
  const signature = { region: 'us-east-1', credentials: server.key }
  const url = new URL(path, server.url)
  const response = await sendSigned(method, url, signature, { body: body && JSON.stringify(body) })
  return { status: response.status, answer: await response.json() }
}
