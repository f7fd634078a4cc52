import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'

import { fetchOutbound } from './outbound.ts'

const fixtures = join(import.meta.dir, '../../test/fixtures/tls')
const certificate = join(fixtures, 'localhost.crt')
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  tls: { key: Bun.file(join(fixtures, 'localhost.key')), cert: Bun.file(certificate) },
  fetch: (request) => new Response(`hello ${request.headers.get('host')}`),
})
afterAll(() => server.stop(true))

/** Fetches in a process of its own, which trusts the test's certificate: what to trust is read when a process starts. */
async function fetchTrusting(url: string): Promise<string> {
  const script = `
    import { fetchOutbound } from ${JSON.stringify(join(import.meta.dir, 'outbound.ts'))}
    const resolve = async () => ['127.0.0.1']
    try {
      const { body } = await fetchOutbound(${JSON.stringify(url)}, { privateAllowed: true, bytesMax: 1000, resolve })
      console.log(Buffer.concat(await Array.fromAsync(body)).toString())
    } catch (error) {
      console.log(error.message)
    }`
  const child = Bun.spawn([process.execPath, '-e', script], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
    stdout: 'pipe',
  })
  return (await new Response(child.stdout).text()).trim()
}

test('https shows and checks the name, though it connects to the address', async () => {
  expect(await fetchTrusting(`https://localhost:${server.port}/`)).toBe(`hello localhost:${server.port}`)
  expect(await fetchTrusting(`https://another.test:${server.port}/`)).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/)
})

test('https refuses a certificate that nobody vouches for', async () => {
  const url = `https://localhost:${server.port}/`
  await expect(fetchOutbound(url, { privateAllowed: true, bytesMax: 1000 })).rejects.toThrow(/SELF_SIGNED/)
})
