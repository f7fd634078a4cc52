import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import { type DnsServer, setShownRecord, startDnsServer } from '../../test/support/dns-server.ts'
import { domainHostRow, domainRow } from '../../test/support/domain-rows.ts'
import { freePort } from '../../test/support/free-ports.ts'
import { domainRecords, ownershipRecordText } from '../model/domain-records.ts'
import type { DomainCheck } from '../model/domains.ts'
import { limits } from '../model/limits.ts'
import { checkByDns } from './check-records.ts'
import { createDns } from './dns.ts'

/** Looks at a real DNS server, one that lies and one that is not there. */

const records = domainRecords(randomBytes(32), 'sites.example.net')
const scope = { accountId: '000000000000', region: 'us-east-1' }
const target = records.target('d1')
const signal = new AbortController().signal

let server: DnsServer
beforeAll(async () => {
  server = await startDnsServer()
})
afterAll(() => server.stop())

let domains = 0
/** A domain of its own for each test. */
const newDomain = () => domainRow('d1', { domainName: `d${++domains}.example.com` })

function look(
  domain: ReturnType<typeof newDomain>,
  prefixes: string[] = [],
  { servers = [server.address], sitesAddresses = [] as string[], until = signal } = {},
): Promise<DomainCheck[]> {
  const check = checkByDns({ dns: createDns(servers), records, sitesAddresses })
  const hosts = prefixes.map((prefix) => domainHostRow(domain, prefix))
  return check(scope, domain, hosts, until)
}

/** Before a domain is owned nobody asks for its hosts. */
const owned = (domain: ReturnType<typeof newDomain>) => ({ ...domain, ownedAt: 1 })

async function lookAtHost(domain: ReturnType<typeof newDomain>, prefix: string, options = {}) {
  const [, check] = await look(owned(domain), [prefix], options)
  return check!
}

const recordOf = (domain: ReturnType<typeof newDomain>) =>
  records.ownership(scope, domain.appId, domain.domainName)

describe('the ownership record', () => {
  test('is seen when it is there, in any case, and not before', async () => {
    const domain = newDomain()
    const expected = ownershipRecordText(recordOf(domain))
    const [before] = await look(domain)
    expect(before).toEqual({
      of: { kind: 'ownership' },
      expected,
      seen: 'no such record',
      passed: false,
      answered: true,
    })
    setShownRecord(server, expected.replace('validations.sites', 'VALIDATIONS.Sites'))
    expect((await look(domain))[0]).toMatchObject({ passed: true })
    server.set(recordOf(domain).name, { type: 'CNAME', value: 'other.example.org' })
    expect((await look(domain))[0]).toMatchObject({ passed: false, seen: 'CNAME other.example.org' })
  })

  test('must lead to its value itself: where a wildcard leads is another’s affair', async () => {
    const domain = newDomain()
    const { value } = recordOf(domain)
    server.set(`*.${domain.domainName}`, { type: 'CNAME', value: 'dangling.example.org' })
    server.set('dangling.example.org', { type: 'CNAME', value })
    expect((await look(domain))[0]).toMatchObject({ passed: false })
  })

  test('is another for each account, region, app and domain', () => {
    const all = [
      records.ownership(scope, 'd1', 'a.example'),
      records.ownership({ ...scope, accountId: '111111111111' }, 'd1', 'a.example'),
      records.ownership({ ...scope, region: 'eu-west-1' }, 'd1', 'a.example'),
      records.ownership(scope, 'd2', 'a.example'),
      records.ownership(scope, 'd1', 'b.example'),
    ]
    expect(new Set(all.flatMap(({ name, value }) => [name.split('.')[0], value])).size).toBe(10)
    expect(records.ownership(scope, 'd1', 'a.example')).toEqual(all[0]!)
  })
})

describe('a host', () => {
  test('may lead to the target over other names', async () => {
    const domain = newDomain()
    server.set(`www.${domain.domainName}`, { type: 'CNAME', value: 'one.example.org' })
    server.set('one.example.org', { type: 'CNAME', value: target })
    expect(await lookAtHost(domain, 'www')).toMatchObject({
      expected: `www CNAME ${target}`,
      seen: `CNAME one.example.org → ${target}`,
      passed: true,
    })
  })

  test('that is a wildcard is asked for by a name that nothing else answers for', async () => {
    const domain = newDomain()
    expect(await lookAtHost(domain, '*')).toMatchObject({ passed: false, seen: 'no such record' })
    server.set(`*.${domain.domainName}`, { type: 'CNAME', value: target })
    expect(await lookAtHost(domain, '*')).toMatchObject({ passed: true })
    expect(
      server.asked
        .filter((name) => name.endsWith(`.${domain.domainName}`))
        .every((name) => !name.includes('*')),
    ).toBe(true)
  })

  test('may have the addresses of the target, or of the settings, and no others', async () => {
    const domain = newDomain()
    server.set(domain.domainName, { type: 'A', value: '192.0.2.1' }, { type: 'AAAA', value: '2001:db8:0::1' })
    const sitesAddresses = ['192.0.2.1', '2001:DB8::0:1']
    expect(await lookAtHost(domain, '')).toMatchObject({
      passed: false,
      seen: 'A 192.0.2.1, AAAA 2001:db8::1',
    })
    expect(await lookAtHost(domain, '', { sitesAddresses })).toMatchObject({ passed: true })
    // Half of the visitors would go elsewhere.
    expect(await lookAtHost(domain, '', { sitesAddresses: ['192.0.2.1'] })).toMatchObject({ passed: false })
    server.set(target, { type: 'A', value: '192.0.2.1' }, { type: 'AAAA', value: '2001:db8::1' })
    expect(await lookAtHost(domain, '')).toMatchObject({ passed: true })
    server.set(target)
  })

  test('whose records changed is seen as it is now, whatever their time to live', async () => {
    const domain = owned(newDomain())
    server.set(`www.${domain.domainName}`, { type: 'CNAME', value: 'old.example.org' })
    const check = checkByDns({ dns: createDns([server.address]), records, sitesAddresses: [] })
    const hosts = [domainHostRow(domain, 'www')]
    expect((await check(scope, domain, hosts, signal))[1]).toMatchObject({ passed: false })
    server.set(`www.${domain.domainName}`, { type: 'CNAME', value: target })
    expect((await check(scope, domain, hosts, signal))[1]).toMatchObject({ passed: true })
  })
})

describe('a DNS that', () => {
  test.each([
    ['says that it failed', 'SERVFAIL', /^no answer from 127\.0\.0\.1:\d+ \(ESERVFAIL\)$/],
    ['refuses', 'REFUSED', /^no answer from 127\.0\.0\.1:\d+ \(EREFUSED\)$/],
    ['answers nonsense', new Uint8Array([1, 2, 3]), /^no answer from 127\.0\.0\.1:\d+/],
    ['is silent', 'silent', /^no answer from 127\.0\.0\.1:\d+$/],
  ] as const)('%s has said nothing', async (_what, how, seen) => {
    const domain = newDomain()
    server.misbehave(`www.${domain.domainName}`, how)
    const started = performance.now()
    const check = await lookAtHost(domain, 'www')
    expect(check).toMatchObject({ passed: false, answered: false })
    expect(check.seen).toMatch(seen)
    expect(performance.now() - started).toBeLessThan(2 * limits.dnsQuerySecondsMax * 1000)
  })

  test('is not there has said nothing', async () => {
    const [ownership] = await look(newDomain(), [], { servers: [`127.0.0.1:${freePort()}`] })
    expect(ownership).toMatchObject({ passed: false, answered: false })
    expect(ownership!.seen).toStartWith('no answer from 127.0.0.1:')
  })

  test('leads in a circle, or ever on, is left in time', async () => {
    const domain = newDomain()
    const name = (index: number) => `n${index}.${domain.domainName}`
    server.set(`loop.${domain.domainName}`, { type: 'CNAME', value: `back.${domain.domainName}` })
    server.set(`back.${domain.domainName}`, { type: 'CNAME', value: `loop.${domain.domainName}` })
    for (let index = 0; index < 50; index++)
      server.set(name(index), { type: 'CNAME', value: name(index + 1) })
    const before = server.asked.length
    expect(await lookAtHost(domain, 'loop')).toMatchObject({ passed: false })
    expect(await lookAtHost(domain, 'n0')).toMatchObject({ passed: false })
    expect(server.asked.length - before).toBeLessThan(40)
  })

  test('answers with what is no name is shown as plain, short text and followed no further', async () => {
    const domain = newDomain()
    const evil = `<b>\u001b[31m\n"é`.padEnd(60, 'x')
    server.set(`www.${domain.domainName}`, { type: 'CNAME', value: evil })
    const { seen } = await lookAtHost(domain, 'www')
    expect(seen).toMatch(/^[\x20-\x7e→]*$/)
    const many = Array.from({ length: 200 }, (_, index) => ({
      type: 'A' as const,
      value: `192.0.2.${index}`,
    }))
    server.set(`many.${domain.domainName}`, ...many.slice(0, 25))
    const check = await lookAtHost(domain, 'many')
    expect(check.passed).toBe(false)
    expect(check.seen.length).toBeLessThanOrEqual(limits.dnsSeenCharactersMax + 1)
  })
})

const hostsAsked = ({ domainName }: ReturnType<typeof newDomain>) =>
  server.asked.filter((name) => /^h\d\./.test(name) && name.endsWith(`.${domainName}`))

describe('hosts', () => {
  test('are asked for from the look on that sees who owns the domain', async () => {
    const domain = newDomain()
    server.set(`h1.${domain.domainName}`, { type: 'CNAME', value: target })
    expect((await look(domain, ['h1']))[1]).toEqual({
      of: { kind: 'sub-domain', prefix: 'h1' },
      expected: `h1 CNAME ${target}`,
      seen: 'not looked at before the ownership record is there',
      passed: false,
      answered: false,
    })
    expect(hostsAsked(domain)).toEqual([])
    setShownRecord(server, ownershipRecordText(recordOf(domain)))
    expect((await look(domain, ['h1'])).map(({ passed }) => passed)).toEqual([true, true])
  })

  test('are not asked for where the question before them got no answer', async () => {
    const domain = newDomain()
    server.misbehave(recordOf(domain).name, 'SERVFAIL')
    const checks = await look(owned(domain), ['h1', 'h2'])
    expect(checks.map(({ answered }) => answered)).toEqual([false, false, false])
    expect(checks[2]!.seen).toBe('not asked: the DNS did not answer the questions before')
    expect(hostsAsked(domain)).toEqual([])
  })

  test('are asked for until two got no answer', async () => {
    const domain = newDomain()
    for (const prefix of ['h1', 'h3']) server.misbehave(`${prefix}.${domain.domainName}`, 'SERVFAIL')
    const checks = await look(owned(domain), ['h1', 'h2', 'h3', 'h4', 'h5'])
    expect(checks.map(({ answered }) => answered)).toEqual([true, false, true, false, false, false])
    expect(checks[4]!.seen).toBe('not asked: the DNS did not answer the questions before')
    expect(hostsAsked(domain).filter((name) => /^h[45]/.test(name))).toEqual([])
  })
})

test('a look that is called off asks nothing more', async () => {
  const domain = newDomain()
  const silent = recordOf(domain).name
  server.misbehave(silent, 'silent')
  const stop = new AbortController()
  const checks = look(domain, ['www', 'api'], { until: stop.signal })
  const started = performance.now()
  setTimeout(() => stop.abort(), 50)
  expect((await checks).map(({ answered }) => answered)).toEqual([false, false, false])
  expect(performance.now() - started).toBeLessThan(2000)
  expect(server.asked.filter((name) => name.startsWith('www.') && name.endsWith(domain.domainName))).toEqual(
    [],
  )
})
