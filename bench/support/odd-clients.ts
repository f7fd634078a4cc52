import { connect, type Socket } from 'node:net'

/** What clients that are not like others saw. */
export interface OddClients {
  slow: number
  aborted: number
  /** What went wrong with slow ones, who are to be answered as everybody is. */
  failures: string[]
}

/**
 * Visits that come slowly, byte by byte, and visits that are broken off while they are answered, some of each every second.
 * @param perSecond of each kind
 * @param until epoch milliseconds
 */
export async function visitOddly(
  { port, host, perSecond }: { port: number; host: string; perSecond: number },
  until: number,
): Promise<OddClients> {
  const seen: OddClients = { slow: 0, aborted: 0, failures: [] }
  const visits = new Set<Promise<void>>()
  while (Date.now() < until) {
    for (let count = 0; count < perSecond; count++) {
      const slow = visitSlowly(port, host).then(
        () => void seen.slow++,
        (error: unknown) => void seen.failures.push(String(error)),
      )
      const visit = Promise.all([slow, breakOff(port, host).then(() => void seen.aborted++)]).then(() => {
        visits.delete(visit)
      })
      visits.add(visit)
    }
    await Bun.sleep(1000)
  }
  await Promise.all(visits)
  return seen
}

const pieces = 8
const pauseMilliseconds = 200

async function visitSlowly(port: number, host: string): Promise<void> {
  const socket = await open(port)
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const size = Math.ceil(request.length / pieces)
  for (let start = 0; start < request.length; start += size) {
    socket.write(request.slice(start, start + size))
    await Bun.sleep(pauseMilliseconds)
  }
  await closed
  if (!answer.startsWith('HTTP/1.1 200 ') || !answer.endsWith('</html>\n')) {
    throw new Error(`A slow visitor saw ${JSON.stringify(answer.slice(0, 200))}`)
  }
}

async function breakOff(port: number, host: string): Promise<void> {
  const socket = await open(port)
  socket.on('error', () => undefined)
  socket.write(`GET /film.mp4 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  socket.once('data', () => socket.destroy())
  await new Promise((resolve) => socket.once('close', resolve))
}

function open(port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => resolve(socket))
  socket.once('error', reject)
  return promise
}
