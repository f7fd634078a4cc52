import { createServer } from 'node:net'

/** A server behind the edge that keeps each byte it was sent, and answers what it is told to. */
export interface RawUpstream {
  port: number
  /** What came on each connection, oldest first; read since the last call. */
  taken(): string[]
  /** Bytes of the answers from now on. */
  answer(bytes: string | Buffer): void
  stop(): Promise<void>
}

const plainAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

/** Answers each connection once, when nothing has come for a moment: so it sees what would be taken for a second request. */
export async function startRawUpstream(): Promise<RawUpstream> {
  const seen: string[] = []
  let bytes: string | Buffer = plainAnswer
  const server = createServer((socket) => {
    let text = ''
    let timer: Timer | undefined
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      clearTimeout(timer)
      timer = setTimeout(() => {
        seen.push(text)
        socket.end(bytes)
      }, 60)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    taken: () => seen.splice(0),
    answer: (next) => (bytes = next),
    stop: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}
