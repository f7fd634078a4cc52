import { afterEach, describe, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'

import pino from 'pino'

import { limits } from '../model/limits.ts'
import { type HttpServer, listen } from './http-server.ts'
import type { HttpRequest, HttpResponse } from './http.ts'

const log = pino({ level: 'silent' })
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function serve(
  handle: (request: HttpRequest) => Promise<HttpResponse>,
  deadlines: { headerMillisecondsMax?: number; idleMillisecondsMax?: number } = {},
): Promise<HttpServer> {
  const server = await listen({ host: '127.0.0.1', port: 0, handle, log, ...deadlines })
  cleanups.push(() => server.stop())
  return server
}

interface Connection {
  socket: Socket
  received: string
  closed: Promise<void>
  until(text: string): Promise<void>
}

async function open(port: number): Promise<Connection> {
  const socket = connect(port, '127.0.0.1')
  cleanups.push(() => socket.destroy())
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  const connection: Connection = {
    socket,
    received: '',
    closed,
    until: (text) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (connection.received.includes(text)) resolve()
        }
        socket.on('data', check)
        socket.on('close', () => reject(new Error(`closed before ${text}: ${connection.received}`)))
        check()
      }),
  }
  socket.on('data', (chunk) => (connection.received += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => socket.on('connect', () => resolve()))
  return connection
}

/** Sends one request on its own connection and waits for the server to close it. */
async function exchange(port: number, request: string): Promise<string> {
  const connection = await open(port)
  connection.socket.write(request)
  await connection.closed
  return connection.received
}

const text = (body: string): HttpResponse => ({ status: 200, headers: {}, body })

const echo = async ({ method, target, headers, body }: HttpRequest) =>
  text(
    JSON.stringify({
      method,
      target,
      hosts: headers.get('host') ?? [],
      body: await new Response(body).text(),
    }),
  )

async function echoed(request: string): Promise<unknown> {
  const { port } = await serve(echo)
  const reply = await exchange(port, request)
  return JSON.parse(reply.slice(reply.indexOf('\r\n\r\n')))
}

const echoedHosts = (hosts: string) => echoed(`GET / HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)

const brokenStream = () =>
  new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(10)),
    pull: (controller) => controller.error(new Error('disk gone')),
  })

describe('requests', () => {
  test.each([
    ['origin form', '/apps/a%2Fb/../x//y%zz?q=%2F&a=+'],
    ['absolute form', 'http://a/apps'],
  ])('the target is handed over raw: %s', async (_name, target) => {
    const seen = await echoed(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(seen).toEqual({ method: 'GET', target, hosts: ['a'], body: '' })
  })

  test('a doubled and a missing Host are seen as they are', async () => {
    expect(await echoedHosts('Host: a\r\nhost: b\r\n')).toMatchObject({ hosts: ['a', 'b'] })
    expect(await echoedHosts('')).toMatchObject({ hosts: [] })
  })

  test('bodies of a known and of an unknown length arrive whole', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
    expect(await echoed(`${head}Content-Length: 5\r\n\r\nhello`)).toMatchObject({ body: 'hello' })
    expect(await echoed(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`)).toMatchObject({
      body: 'hello',
    })
  })

  test.each([
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length and chunks', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['bare line feeds in a header', 'X: a\n b\r\n\r\n'],
  ])('%s, a smuggler’s request, is refused', async (_name, rest) => {
    const { port } = await serve(echo)
    const reply = await exchange(port, `POST / HTTP/1.1\r\nHost: a\r\n${rest}`)
    expect(reply).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\nx-amzn-RequestId: [0-9a-f-]{36}\r\nx-amzn-ErrorType: BadRequestException\r\n/,
    )
  })

  test('headers beyond the limit are refused', async () => {
    const { port } = await serve(echo)
    const reply = await exchange(
      port,
      `GET / HTTP/1.1\r\nX: ${'a'.repeat(limits.requestHeaderBytesMax)}\r\n\r\n`,
    )
    expect(reply).toStartWith('HTTP/1.1 431 ')
  })

  test('a body is asked for only once it is wanted', async () => {
    const { port } = await serve(async ({ target, body }) =>
      text(target === '/wanted' ? await new Response(body).text() : 'refused'),
    )
    const head = 'Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'
    const wanted = await open(port)
    wanted.socket.write(`PUT /wanted HTTP/1.1\r\n${head}`)
    await wanted.until('HTTP/1.1 100 Continue\r\n\r\n')
    wanted.socket.write('hello')
    await wanted.until('\r\n\r\nhello')

    const refused = await open(port)
    refused.socket.write(`PUT /other HTTP/1.1\r\n${head}`)
    await refused.until('refused')
    expect(refused.received).toStartWith('HTTP/1.1 200 OK')
  })

  test('what else a client expects is no reason to refuse it', async () => {
    expect(
      await echoed('GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nConnection: close\r\n\r\n'),
    ).toMatchObject({ method: 'GET' })
  })

  test('an answer is not lost over a body that nobody reads', async () => {
    const { port } = await serve(async () => ({ status: 403, headers: {}, body: 'no' }))
    const length = 512 * 1024
    const reply = await exchange(
      port,
      `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${'a'.repeat(length)}`,
    )
    expect(reply).toStartWith('HTTP/1.1 403 ')
    expect(reply).toEndWith('no')
  })

  test('a client that leaves in the middle of a body makes its reading fail', async () => {
    const failure = Promise.withResolvers<unknown>()
    const begun = Promise.withResolvers<void>()
    const { port } = await serve(async ({ body }) => {
      begun.resolve()
      await new Response(body).text().catch(failure.resolve)
      return text('late')
    })
    const { socket } = await open(port)
    socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    await begun.promise
    socket.destroy()
    expect(String(await failure.promise)).toContain('closed the connection')
  })
})

describe('responses', () => {
  test('HEAD has the headers of GET and no body, and the connection lives on', async () => {
    const { port } = await serve(async () => text('hello'))
    const connection = await open(port)
    connection.socket.write(
      'HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    )
    await connection.closed
    const [head, get] = connection.received.split(/(?=HTTP\/1\.1)/)
    expect(head).toContain('Content-Length: 5')
    expect(head).toEndWith('\r\n\r\n')
    expect(get).toEndWith('\r\n\r\nhello')
  })

  test('a header of the handler replaces the one that is set here, whatever its case', async () => {
    const { port } = await serve(async () => ({
      status: 206,
      headers: { 'content-length': '2', 'content-range': 'bytes 0-1/5' },
      body: new Blob(['hello']).slice(0, 2),
    }))
    const reply = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(reply.match(/content-length: 2/gi)).toHaveLength(1)
    expect(reply).toEndWith('\r\n\r\nhe')
  })

  test('blobs and streams go out whole', async () => {
    const bytes = new Uint8Array(3_000_000).map((_byte, at) => at % 251)
    const blob = new Blob([bytes])
    const { port } = await serve(async ({ target }) => ({
      status: 200,
      headers: {},
      body: target === '/blob' ? blob : blob.stream(),
    }))
    for (const path of ['/blob', '/stream']) {
      const reply = await fetch(`http://127.0.0.1:${port}${path}`)
      expect(Bun.hash(await reply.bytes())).toBe(Bun.hash(bytes))
    }
  })

  test('a stream is read no faster than the client reads, and cancelled when the client leaves', async () => {
    const cancelled = Promise.withResolvers<void>()
    const stalled = Promise.withResolvers<void>()
    let pulls = 0
    let timer: Timer | undefined
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(64 * 1024))
        pulls++
        // The kernel's buffers are full when no more is asked for.
        clearTimeout(timer)
        timer = setTimeout(stalled.resolve, 100)
      },
      cancel: () => cancelled.resolve(),
    })
    const { port } = await serve(async () => ({ status: 200, headers: {}, body: endless }))
    const { socket } = await open(port)
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await stalled.promise
    expect(pulls).toBeLessThan(1000)
    socket.destroy()
    await cancelled.promise
  })

  test('a stream that fails ends the connection without a proper end', async () => {
    const { port } = await serve(async () => ({ status: 200, headers: {}, body: brokenStream() }))
    const reply = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(reply).not.toEndWith('0\r\n\r\n')
  })
})

describe('slow clients', () => {
  test.each([
    ['sends nothing', ''],
    ['stops in the middle of its headers', 'GET / HTTP/1.1\r\nHost: a\r\n'],
  ])('one that %s is sent away', async (_name, beginning) => {
    const { port } = await serve(echo, { headerMillisecondsMax: 50 })
    expect(await exchange(port, beginning)).toStartWith('HTTP/1.1 408 ')
  })

  test('one that feeds its headers in drops is sent away all the same', async () => {
    const { port } = await serve(echo, { headerMillisecondsMax: 200 })
    const connection = await open(port)
    connection.socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
    const drops = setInterval(() => connection.socket.write('X: 1\r\n'), 20)
    cleanups.push(() => clearInterval(drops))
    await connection.closed
    expect(connection.received).not.toContain('HTTP/1.1 200')
  })

  test('one that stops in the middle of its body is cut off, also in a second request', async () => {
    const failure = Promise.withResolvers<unknown>()
    const reading = async ({ body }: HttpRequest) => {
      await new Response(body).text().catch(failure.resolve)
      return text('read')
    }
    const { port } = await serve(reading, { idleMillisecondsMax: 100 })
    const connection = await open(port)
    connection.socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na')
    await connection.until('read')
    connection.socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    expect(String(await failure.promise)).toContain('closed the connection')
    await connection.closed
  })

  test('one that does not take its response is cut off', async () => {
    const cancelled = Promise.withResolvers<void>()
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
      cancel: () => cancelled.resolve(),
    })
    const { port } = await serve(async () => ({ status: 200, headers: {}, body: endless }), {
      idleMillisecondsMax: 100,
    })
    const { socket } = await open(port)
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await cancelled.promise
  })
})

test('a connection that sends very many requests ahead is closed, and no other', async () => {
  let handled = 0
  const release = Promise.withResolvers<void>()
  const { port } = await serve(async ({ target }) => {
    handled++
    if (target === '/ahead') await release.promise
    return text('done')
  })
  const other = await open(port)
  const greedy = await open(port)
  greedy.socket.write('GET /ahead HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000))
  await greedy.closed
  expect(handled).toBe(limits.connectionRequestsMax)
  release.resolve()
  for (let turn = 0; turn < limits.connectionRequestsMax + 1; turn++) {
    other.received = ''
    other.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await other.until('done')
  }
})

test('stopping does not wait for a stream without an end, which learns of it', async () => {
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('first')),
    cancel: () => void (isCancelled = true),
  })
  const server = await serve(async () => ({ status: 200, headers: {}, body, isEndless: true }))
  const client = await open(server.port)
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.until('first')
  const begin = performance.now()
  await server.stop()
  await client.closed
  expect(performance.now() - begin).toBeLessThan(5000)
  expect(isCancelled).toBe(true)
})

test('stopping lets a request at work end and closes idle connections', async () => {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    log,
    handle: async ({ target }) => {
      if (target === '/work') {
        begun.resolve()
        await release.promise
      }
      return text('done')
    },
  })
  const idle = await open(server.port)
  idle.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await idle.until('done')
  const work = await open(server.port)
  work.socket.write('GET /work HTTP/1.1\r\nHost: a\r\n\r\n')
  await begun.promise
  const stopped = server.stop()
  await idle.closed
  release.resolve()
  await work.until('done')
  await stopped
  await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toThrow()
})
