import { connect } from 'node:net'

export interface RawAnswer {
  status: number
  /** By lower-case name. */
  headers: Record<string, string>
  body: string
}

/**
 * Sends exactly these bytes and reads one answer; what clients would tidy up (`..`, a doubled Host) arrives as it is.
 * The request should say `Connection: close`, unless it is one that ends the connection by itself.
 */
export async function sendRaw(port: number, request: string): Promise<RawAnswer> {
  return parse(await exchange(port, request))
}

/** Status of each answer to these bytes, which may hold several requests, until the connection ends; empty where none came. */
export async function rawStatuses(port: number, requests: string | Buffer): Promise<number[]> {
  const text = await exchange(port, requests)
  return [...text.matchAll(/HTTP\/1\.1 ([0-9]{3}) /g)].map(([, status]) => Number(status))
}

function exchange(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const chunks: Buffer[] = []
    socket.setTimeout(10_000, () => socket.destroy(new Error('The server sent nothing for 10 seconds')))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
}

/** A GET of the target as it stands, under one Host. */
export function getRaw(port: number, host: string, target: string): Promise<RawAnswer> {
  return sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
}

function parse(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: text.slice(end + 4),
  }
}
