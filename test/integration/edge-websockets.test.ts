import { afterAll, beforeAll, expect, test } from 'bun:test'

import { limits } from '../../src/model/limits.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { waitFor } from '../support/wait-for.ts'

/** WebSockets through rules: how many one address may have, and their end. */

let preamp: TestPreamp
let site: PublishedSite
let upstream: Bun.Server<undefined>
let open = 0

beforeAll(async () => {
  upstream = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('no', { status: 400 })),
    websocket: {
      open: () => void (open += 1),
      close: () => void (open -= 1),
      message: (socket, message) => void socket.send(message),
    },
  })
  preamp = await startPreamp({ environment: { PREAMP_PROXY_HTTP: 'true' } })
  site = await createPublishedSite(preamp)
  await site.publish({ 'index.html': '<h1>Home</h1>' })
  await site.setRules(['/socket', `http://127.0.0.1:${upstream.port}/`, '200'])
})
afterAll(async () => {
  await preamp.stop()
  await upstream.stop(true)
})

/** @returns undefined where it is refused */
async function openSocket(): Promise<WebSocket | undefined> {
  const socket = new WebSocket(`${preamp.sitesUrl.replace('http', 'ws')}/socket`, {
    headers: { host: site.host },
  })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.addEventListener('open', () => resolve(true))
  socket.addEventListener('close', () => resolve(false))
  return (await promise) ? socket : undefined
}

test('an address has so many and no more, and each that ends makes room', async () => {
  const count = limits.webSocketsOfAddressMax
  const sockets = await Promise.all(Array.from({ length: count }, openSocket))
  expect(sockets.filter((socket) => socket === undefined)).toEqual([])
  expect(await openSocket()).toBeUndefined()
  expect(open).toBe(count)
  sockets[0]!.close()
  await waitFor('room for another', 10, async () => {
    const another = await openSocket()
    another?.close()
    return another !== undefined
  })
  for (const socket of sockets) socket!.close()
  await waitFor('the servers behind to be told', 10, () => open === 0)
}, 30_000)

test('whoever has one is told when the server goes away', async () => {
  const socket = (await openSocket())!
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener('close', ({ code }) => resolve(code)),
  )
  await preamp.stop({ keepData: true })
  expect(await closed).toBe(1001)
  await waitFor('the server behind to be told', 10, () => open === 0)
}, 30_000)
