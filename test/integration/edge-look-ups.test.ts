import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { limits } from '../../src/model/limits.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { inOwnNamespace } from '../support/own-namespace.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { getRaw } from '../support/raw-http.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

describe.if(requires('unshare', 'ip'))('where hosts of rules are', () => {
  const { proxyLookUpsOfAppMax } = limits
  let folder: string
  let dns: DnsServer
  let upstream: Bun.Server<undefined>
  let preamp: TestPreamp
  let port: number
  let hostile: PublishedSite
  let other: PublishedSite

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-look-ups-'))
    dns = await startDnsServer()
    upstream = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('found') })
    const hosts = join(folder, 'hosts')
    const resolvConf = join(folder, 'resolv.conf')
    writeFileSync(hosts, '127.0.0.1 localhost\n127.0.0.1\tfirst.example Listed.example # of ours\n')
    writeFileSync(resolvConf, `nameserver ${dns.address}\nsearch inner.example\n`)
    dns.set('asked.example', { type: 'A', value: '127.0.0.1' })
    dns.set('near.inner.example', { type: 'A', value: '127.0.0.1' })
    dns.set('half.example', { type: 'A', value: '127.0.0.1' }, { type: 'A', value: '169.254.169.254' })
    const silent = Array.from({ length: 3 * proxyLookUpsOfAppMax }, (_, count) => `silent-${count}.example`)
    for (const name of [...silent, 'silent.local', 'silent.localhost']) dns.misbehave(name, 'silent')
    preamp = await startPreamp({
      launcher: inOwnNamespace({ files: { '/etc/hosts': hosts, '/etc/resolv.conf': resolvConf } }),
      environment: { PREAMP_PROXY_HTTP: 'true' },
    })
    port = Number(new URL(preamp.sitesUrl).port)
    hostile = await createPublishedSite(preamp)
    other = await createPublishedSite(preamp)
    const files = Array.from({ length: 20 }, (_, count) => [`file-${count}.txt`, `file ${count}`])
    await other.publish({ 'index.html': 'home', ...Object.fromEntries(files) })
    await hostile.publish({ 'index.html': 'home' })
    const to = (host: string): [string, string, string] => [
      `/${host}`,
      `http://${host}:${upstream.port}/`,
      '200',
    ]
    const hosted = ['listed.example', 'asked.example', 'near', 'half.example', 'none.example', 'localhost']
    await other.setRules(...hosted.map(to))
    await hostile.setRules(...[...silent, 'silent.local'].map(to))
  })
  afterAll(async () => {
    await preamp.stop()
    await upstream.stop(true)
    await dns.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const visit = (path: string) => getRaw(port, other.host, path)

  test.each(['listed.example', 'asked.example', 'near', 'localhost'])('%s is found', async (host) => {
    expect((await visit(`/${host}`)).body).toBe('found')
  })

  test('by /etc/hosts before the DNS, and with every address of a name looked at', async () => {
    expect((await visit('/half.example')).status).toBe(502)
    expect((await visit('/none.example')).status).toBe(502)
    expect(dns.asked).not.toContain('listed.example')
    expect(dns.asked).toContain('near.inner.example')
  })

  test('names for which no DNS server answers hold up whoever asks for them alone, and not for long', async () => {
    const startedAt = performance.now()
    const sockets: Socket[] = []
    const answers: string[] = []
    const ask = (host: string) => {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      socket.once('data', (data) => answers.push(data.toString('latin1').slice(9, 12)))
      socket.write(`GET /${host} HTTP/1.1\r\nHost: ${hostile.host}\r\n\r\n`)
    }
    ask('silent.local')
    for (let count = 0; count < 3 * proxyLookUpsOfAppMax; count++) ask(`silent-${count}.example`)
    const refused = 2 * proxyLookUpsOfAppMax + 1
    await waitFor('those beyond the bound to be refused', 10, async () => answers.length === refused)
    expect(new Set(answers)).toEqual(new Set(['503']))
    // Files that nobody has read yet, and a name that is not known yet.
    for (let count = 0; count < 20; count++)
      expect((await visit(`/file-${count}.txt`)).body).toBe(`file ${count}`)
    dns.set('late.example', { type: 'A', value: '127.0.0.1' })
    await other.setRules(['/late', `http://late.example:${upstream.port}/`, '200'])
    expect((await visit('/late')).body).toBe('found')
    expect(answers).toHaveLength(refused)
    expect(performance.now() - startedAt).toBeLessThan(limits.hostLookUpSecondsMax * 1000)
    await waitFor('the others to be given up', 10, async () => answers.length === sockets.length)
    expect(answers.filter((status) => status === '502')).toHaveLength(proxyLookUpsOfAppMax)
    const { length } = dns.asked
    expect((await getRaw(port, hostile.host, '/silent.local')).status).toBe(502)
    expect(dns.asked).toHaveLength(length)
    for (const socket of sockets) socket.destroy()
  })
})

test.if(requires('unshare', 'ip'))('the server itself is not reached by its public addresses', async () => {
  const own = ['93.184.216.34', '2606:2800:220:1::2']
  const addresses = [own[0]!, '[::ffff:93.184.216.34]', `[${own[1]}]`]
  const script = join(import.meta.dir, '../support/own-address-process.ts')
  const child = Bun.spawn([...inOwnNamespace({ addresses: own }), process.execPath, script, ...addresses], {
    stdout: 'pipe',
  })
  const shown = JSON.parse(await new Response(child.stdout).text()) as Record<string, string[]>
  const answered = ['502', '200 for this machine alone']
  expect(shown).toEqual(Object.fromEntries(addresses.map((address) => [address, answered])))
})
