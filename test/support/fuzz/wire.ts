import { connect } from 'node:net'

export interface Answer {
  status: number
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>
  /** Status line, headers and body as they came. */
  text: string
}

/** What came back until the server closed the connection; `timedOut` where it did not. */
export interface Reply {
  answers: Answer[]
  timedOut: boolean
}

const silenceMilliseconds = 200

/** Sends bytes on a connection of their own and reads all that comes back. */
export function exchange(port: number, bytes: Buffer, secondsMax: number): Promise<Reply> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let silence: Timer | undefined
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const settle = (timedOut: boolean) => {
      clearTimeout(deadline)
      clearTimeout(silence)
      socket.destroy()
      resolve({ answers: parse(Buffer.concat(chunks).toString()), timedOut })
    }
    const deadline = setTimeout(settle, secondsMax * 1000, true)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      // A connection that is kept alive is given up once it has nothing more to say.
      clearTimeout(silence)
      silence = setTimeout(() => socket.end(), silenceMilliseconds)
    })
    // The server may close while a long request is still being written.
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
  })
}

/** Answers in the order in which they came, without interim ones such as 100 Continue. */
function parse(text: string): Answer[] {
  return text
    .split(/(?=HTTP\/1\.[01] \d{3} [^\r\n]*\r\n)/)
    .filter((answer) => answer !== '')
    .map((answer) => {
      const [statusLine = '', ...lines] = answer.split('\r\n\r\n', 1)[0]!.split('\r\n')
      const headers = lines.map((line): [string, string] => {
        const [name = '', ...value] = line.split(':')
        return [name.toLowerCase(), value.join(':').trim()]
      })
      return { status: Number(statusLine.split(' ')[1]), headers: new Map(headers), text: answer }
    })
    .filter(({ status }) => !(status >= 100 && status < 200))
}
