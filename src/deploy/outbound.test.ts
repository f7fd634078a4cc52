import { afterAll, describe, expect, test } from 'bun:test'

import { checkHost, fetchOutbound, OutboundError, type OutboundOptions } from './outbound.ts'

const open = { privateAllowed: true, bytesMax: 1000 }
const closed = { privateAllowed: false, bytesMax: 1000 }

const seenCredentials: (string | null)[] = []
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 5,
  routes: {
    '/hello': (request) => {
      seenCredentials.push(request.headers.get('authorization'))
      return new Response(`hello ${request.headers.get('host')}`)
    },
    '/loop': () => Response.redirect('/loop'),
    '/to': (request) => {
      seenCredentials.push(request.headers.get('authorization'))
      return Response.redirect(new URL(request.url).searchParams.get('url')!)
    },
    '/long': () => new Response(new Uint8Array(1001)),
    '/endless': () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(100)),
        }),
      ),
    '/silent': () => new Promise<Response>(() => undefined),
    '/stalls': () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(10)),
        }),
      ),
  },
  fetch: () => new Response('no', { status: 404 }),
})
const origin = `http://127.0.0.1:${server.port}`
afterAll(() => server.stop(true))

async function text(url: string, options: OutboundOptions): Promise<string> {
  const chunks = await Array.fromAsync((await fetchOutbound(url, options)).body)
  return Buffer.concat(chunks).toString()
}

describe('checkHost', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['::ffff:127.0.0.1', '::ffff:7f00:1'],
    ['[::ffff:10.0.0.1]', '::ffff:a00:1'],
  ])('%s is private, however it is spelt', async (host, address) => {
    expect(await checkHost(host, open)).toEqual([address])
    await expect(checkHost(host, closed)).rejects.toThrow(/private address/)
  })

  test.each([
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '[::ffff:169.254.169.254]',
    '0',
    '0.0.0.0',
    '[::]',
    'fe80::1',
    '255.255.255.255',
    '224.0.0.1',
  ])('%s is refused even where private addresses are allowed', async (host) => {
    await expect(checkHost(host, open)).rejects.toThrow(/never contacted/)
  })

  test.each(['localhost', 'localhost.', 'LOCALHOST'])('%s is resolved and private', async (host) => {
    const addresses = await checkHost(host, open)
    expect(addresses.every((address) => address === '127.0.0.1' || address === '::1')).toBe(true)
    await expect(checkHost(host, closed)).rejects.toThrow(/private address/)
  })

  test.each([
    '',
    ' ',
    'a b',
    'fe80::1%eth0',
    '[fe80::1%25eth0]',
    'a/b',
    'user@host',
    'host:80',
    '256.1.1.1',
    '-x\n',
  ])('%j is no host', async (host) => {
    await expect(checkHost(host, open)).rejects.toThrow(OutboundError)
  })

  test('a public address passes', async () => {
    expect(await checkHost('8.8.8.8', closed)).toEqual(['8.8.8.8'])
  })

  test('an unknown name says so', async () => {
    await expect(checkHost('nobody.invalid', open)).rejects.toThrow('The host nobody.invalid cannot be found')
  })
})

describe('fetchOutbound', () => {
  test('fetches by name, with the name as Host', async () => {
    expect(await text(`http://localhost:${server.port}/hello`, open)).toBe(`hello localhost:${server.port}`)
  })

  test('answers other statuses as they are', async () => {
    const response = await fetchOutbound(`${origin}/nothing`, open)
    expect(response.status).toBe(404)
    await response.body.return()
  })

  test('connects to the address that was checked, whatever the name resolves to next', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']]
    const resolve = async () => answers.shift()!
    const url = `http://rebind.invalid:${server.port}/hello`
    expect(await text(url, { ...open, resolve })).toBe(`hello rebind.invalid:${server.port}`)
    expect(answers).toHaveLength(1)
    await expect(text(url, { ...open, resolve })).rejects.toThrow(/never contacted/)
  })

  test('does not wait for a resolver that is silent', async () => {
    const { promise: silence } = Promise.withResolvers<string[]>()
    const resolve = () => silence
    const url = 'http://silent.invalid/'
    await expect(text(url, { ...open, resolve, idleSecondsMax: 0.05 })).rejects.toThrow(/DNS is silent/)
    const control = new AbortController()
    const waiting = text(url, { ...open, resolve, signal: control.signal })
    const reason = new Error('stopped by the user')
    control.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })

  test('one refused address refuses the name', async () => {
    const answers = ['8.8.8.8', '10.0.0.1']
    await expect(
      checkHost('mixed.example', { privateAllowed: false, resolve: async () => answers }),
    ).rejects.toThrow(/private address/)
  })

  test.each([
    'file:///etc/passwd',
    'ftp://127.0.0.1/x',
    'gopher://127.0.0.1/',
    'data:text/plain,x',
    'nonsense',
  ])('refuses %s', async (url) => {
    await expect(fetchOutbound(url, open)).rejects.toThrow(OutboundError)
  })

  test('refuses a private address where it is not allowed', async () => {
    await expect(fetchOutbound(`${origin}/hello`, closed)).rejects.toThrow(/private address/)
  })

  test('checks where a redirect leads', async () => {
    const to = (url: string) => `${origin}/to?url=${encodeURIComponent(url)}`
    expect(await text(to('/hello'), open)).toBe(`hello 127.0.0.1:${server.port}`)
    await expect(text(to('http://169.254.169.254/latest/meta-data/'), open)).rejects.toThrow(
      /never contacted/,
    )
    await expect(text(to('file:///etc/passwd'), open)).rejects.toThrow(/neither http nor https/)
    await expect(text(`${origin}/loop`, open)).rejects.toThrow(`${origin}/loop redirects more than 5 times`)
  })

  test('sends credentials to their own origin only', async () => {
    seenCredentials.length = 0
    const withCredentials = `http://user:p%40ss@127.0.0.1:${server.port}`
    await text(`${withCredentials}/to?url=${encodeURIComponent('/hello')}`, open)
    await text(
      `${withCredentials}/to?url=${encodeURIComponent(`http://localhost:${server.port}/hello`)}`,
      open,
    )
    const basic = `Basic ${btoa('user:p@ss')}`
    expect(seenCredentials).toEqual([basic, basic, basic, null])
  })

  test('says no secret of the URL in an error', async () => {
    const error = await fetchOutbound(
      `http://user:word@127.0.0.1:1/file.zip?X-Amz-Signature=abc`,
      open,
    ).catch((thrown: Error) => thrown)
    if (!(error instanceof OutboundError)) throw new Error('The request was not refused')
    expect(error.message).toStartWith('http://127.0.0.1:1/file.zip cannot be fetched')
  })

  test('stops at the size limit, announced or not', async () => {
    await expect(text(`${origin}/long`, open)).rejects.toThrow(/longer than 1000 bytes/)
    await expect(text(`${origin}/endless`, open)).rejects.toThrow(/longer than 1000 bytes/)
  })

  test('stops at the time limits', async () => {
    await expect(text(`${origin}/silent`, { ...open, idleSecondsMax: 0.2 })).rejects.toThrow(
      /does not answer/,
    )
    await expect(text(`${origin}/stalls`, { ...open, idleSecondsMax: 0.2 })).rejects.toThrow(
      /stopped sending/,
    )
    await expect(text(`${origin}/stalls`, { ...open, secondsMax: 0.2 })).rejects.toThrow(/within 0.2 seconds/)
    await expect(text(`${origin}/silent`, { ...open, secondsMax: 0.2 })).rejects.toThrow(/within 0.2 seconds/)
  })

  test('stops when the caller says so', async () => {
    const reason = new Error('stopped by the user')
    await expect(text(`${origin}/stalls`, { ...open, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    const control = new AbortController()
    const response = await fetchOutbound(`${origin}/stalls`, { ...open, signal: control.signal })
    await response.body.next()
    control.abort(reason)
    await expect(response.body.next()).rejects.toBe(reason)
  })

  test('a body that ends before its announced length is an error', async () => {
    using half = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf') },
    })
    await expect(text(`http://127.0.0.1:${half.port}/`, open)).rejects.toThrow(OutboundError)
  })
})
