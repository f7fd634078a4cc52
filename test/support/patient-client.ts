import { connect, type Socket } from 'node:net'

/** Visitors that send each request once: whatever goes wrong is seen. */
export interface PatientLoad {
  visits(): number
  /** Ends the load; what went wrong, one line for each visit that did. */
  stop(): Promise<string[]>
  /** Resolves when every visitor has been told to close its connection, or never. */
  told: Promise<unknown>
}

/**
 * Asks for `/` on kept-alive connections that are opened anew only after an answer said `Connection: close`, as RFC 9112 §9.6
 * wants it. No client library: those send a request again whose connection has ended.
 * @param how.pauseMilliseconds between two requests of one connection
 * @param how.untilToldToClose whether a visitor is content then, and opens no other connection
 */
export function loadWithoutRetries(
  host: string,
  port: number,
  { visitors = 8, pauseMilliseconds = 0, untilToldToClose = false } = {},
): PatientLoad {
  const problems: string[] = []
  let visits = 0
  const stopped = new AbortController()

  async function visitForever(): Promise<void> {
    let connection: Connection | undefined
    while (!stopped.signal.aborted) {
      try {
        connection ??= await Connection.open(port)
        const { status, closes } = await connection.ask(host)
        if (status !== 200) problems.push(`answered ${status}`)
        visits += 1
        if (closes) connection = connection.end()
        if (closes && untilToldToClose) return
      } catch (error) {
        if (stopped.signal.aborted) break
        problems.push(String(error))
        connection = connection?.end()
        await Bun.sleep(20)
      }
      if (pauseMilliseconds > 0) await Bun.sleep(pauseMilliseconds)
    }
    connection?.end()
  }

  const all = Promise.all(Array.from({ length: visitors }, visitForever))
  return {
    visits: () => visits,
    told: all,
    async stop() {
      stopped.abort()
      await all
      return problems
    },
  }
}

/** One connection of HTTP/1.1, on which requests follow each other. */
class Connection {
  private text = ''
  private failure: Error | undefined
  private changed = Promise.withResolvers<void>()

  private readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => this.change(() => (this.text += bytes.toString('latin1'))))
    socket.on('error', (error) => this.change(() => (this.failure ??= error)))
    socket.on('close', () =>
      this.change(() => (this.failure ??= new Error('closed before the answer was complete'))),
    )
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
      socket.once('error', reject)
    })
  }

  private change(how: () => unknown): void {
    how()
    this.changed.resolve()
    this.changed = Promise.withResolvers()
  }

  async ask(host: string): Promise<{ status: number; closes: boolean }> {
    this.text = ''
    this.socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    for (;;) {
      const headerEnd = this.text.indexOf('\r\n\r\n')
      const header = this.text.slice(0, Math.max(headerEnd, 0))
      const length = Number(/\r\ncontent-length: ([0-9]+)/i.exec(header)?.[1] ?? Number.NaN)
      if (headerEnd !== -1 && this.text.length >= headerEnd + 4 + length) {
        return { status: Number(header.slice(9, 12)), closes: /\r\nconnection: close/i.test(header) }
      }
      if (this.failure) throw this.failure
      await this.changed.promise
    }
  }

  end(): undefined {
    this.socket.destroy()
  }
}
