import type { Tenant } from './tenants.ts'

/** A request before it is bytes. Mutators change it in place; headers may be there twice. */
export interface FuzzRequest {
  method: string
  target: string
  headers: [name: string, value: string][]
  body: Buffer
  /** Who signs it; nobody for requests that are not signed. */
  signer?: Tenant
  /** Whose resources its answer may show. */
  reader?: Tenant
}

/** The bytes on the wire. Texts are sent as Latin-1, so that every character is one byte of any value. */
export function serialize({ method, target, headers, body }: FuzzRequest): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}
