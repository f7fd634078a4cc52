import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'

const fixtures = join(import.meta.dir, '../../test/fixtures/tls')
const certificate = join(fixtures, 'localhost.crt')
const asked: string[] = []
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  tls: { key: Bun.file(join(fixtures, 'localhost.key')), cert: Bun.file(certificate) },
  fetch(request, own) {
    asked.push(request.headers.get('cookie')!)
    return own.upgrade(request) ? undefined : new Response('no', { status: 400 })
  },
  websocket: { message: (socket, message) => void socket.send(`echo ${message.toString()}`) },
})
afterAll(() => server.stop(true))

/** In a process of its own: what to trust is read when a process starts. @returns what is answered to `hello` */
async function openIn(serverName: string, environment: Record<string, string>): Promise<string> {
  const script = `
    import { openWebSocket } from ${JSON.stringify(join(import.meta.dir, 'websocket-client.ts'))}
    const client = await openWebSocket({
      url: ${JSON.stringify(`https://127.0.0.1:${server.port}/`)},
      serverName: ${JSON.stringify(serverName)},
      headers: new Headers({ host: 'a.example', cookie: 'secret' }),
      protocols: [],
      signal: AbortSignal.timeout(10_000),
    })
    if (!client) console.log('none')
    client?.start({
      message(data) {
        console.log(data)
        client.close(1000, '')
      },
      moved() {},
      closing() {},
      ended() {},
    })
    client?.send('hello')`
  const child = Bun.spawn([process.execPath, '-e', script], {
    env: { ...process.env, ...environment },
    stdout: 'pipe',
  })
  return (await new Response(child.stdout).text()).trim()
}

test('by TLS the certificate is of the name that a rule has, though an address is connected to', async () => {
  const trusting = { NODE_EXTRA_CA_CERTS: certificate }
  expect(await openIn('localhost', trusting)).toBe('echo hello')
  expect(asked.splice(0)).toEqual(['secret'])
  for (const name of ['another.test', '127.0.0.1']) expect(await openIn(name, trusting)).toBe('none')
  expect(await openIn('localhost', {})).toBe('none')
  expect(asked).toEqual([])
})
