import { afterAll, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  CreateDomainAssociationCommand,
  type DomainAssociation,
  GetDomainAssociationCommand,
  UpdateDomainAssociationCommand,
} from '@aws-sdk/client-amplify'

import { setShownRecord, startDnsServer } from '../support/dns-server.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { waitFor } from '../support/wait-for.ts'

/** Servers whose settings say how, and for how long, custom domains are verified. */

const domainName = 'patient.example.com'
const domain = { domainName, subDomainSettings: [{ prefix: 'www', branchName: 'main' }] }
const started: { stop(): Promise<void> }[] = []
afterAll(() => Promise.all(started.map((each) => each.stop())))

async function start(environment: Record<string, string>): Promise<TestPreamp> {
  const preamp = await startPreamp({ environment })
  started.push(preamp)
  return preamp
}

async function createDomain(client: AmplifyClient): Promise<{ appId: string; created: DomainAssociation }> {
  const { app } = await client.send(new CreateAppCommand({ name: 'patient' }))
  const appId = app!.appId!
  await client.send(new CreateBranchCommand({ appId, branchName: 'main' }))
  const { domainAssociation } = await client.send(new CreateDomainAssociationCommand({ appId, ...domain }))
  return { appId, created: domainAssociation! }
}

function untilStatus(client: AmplifyClient, appId: string, status: string): Promise<DomainAssociation> {
  return waitFor(`the domain to be ${status}`, 20, async () => {
    const { domainAssociation } = await client.send(new GetDomainAssociationCommand({ appId, domainName }))
    return domainAssociation!.domainStatus === status && domainAssociation
  })
}

async function check(preamp: TestPreamp, appId: string): Promise<{ exitCode: number; output: string }> {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const command = [
    process.execPath,
    main,
    'domains',
    'check',
    appId,
    domainName,
    '--data-dir',
    preamp.dataDir,
  ]
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = process.env
  const child = Bun.spawn(command, { env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const output = (await child.stdout.text()) + (await child.stderr.text())
  return { exitCode: await child.exited, output }
}

describe('a verification that was given up', () => {
  test('says why, and begins anew with the same records, by command and by update', async () => {
    const dns = await startDnsServer()
    started.push(dns)
    const oneSecond = String(1 / 3600)
    const preamp = await start({
      PREAMP_DNS_SERVERS: dns.address,
      PREAMP_DOMAIN_VERIFICATION_HOURS: oneSecond,
    })
    const { appId, created } = await createDomain(preamp.client)
    const record = created.certificateVerificationDNSRecord!
    const failed = await untilStatus(preamp.client, appId, 'FAILED')
    expect(failed.statusReason).toContain(`Expected: "${record}"; seen: no such record.`)
    expect(failed.statusReason).toContain(`preamp domains check ${appId} ${domainName}`)

    const missing = await check(preamp, appId)
    expect(missing.exitCode).toBe(1)
    expect(missing.output).toContain(`${domainName}: PENDING_VERIFICATION`)
    await untilStatus(preamp.client, appId, 'FAILED')
    const updated = await preamp.client.send(new UpdateDomainAssociationCommand({ appId, domainName }))
    expect(updated.domainAssociation).toMatchObject({
      domainStatus: 'PENDING_VERIFICATION',
      statusReason: '',
      certificateVerificationDNSRecord: record,
    })
    await untilStatus(preamp.client, appId, 'FAILED')

    setShownRecord(dns, record)
    setShownRecord(dns, created.subDomains![0]!.dnsRecord!, domainName)
    const { exitCode, output } = await check(preamp, appId)
    expect(output).toContain(`${domainName}: AVAILABLE`)
    expect(exitCode).toBe(0)
  })

  test('is not found by who does not know the domain', async () => {
    const [preamp] = started.filter((each): each is TestPreamp => 'apiUrl' in each)
    const { exitCode, output } = await check(preamp!, 'dnowhere')
    expect(output).toContain('NotFoundException: App dnowhere not found.')
    expect(exitCode).toBe(2)
  })
})

test('a server that goes down during a look looks again when it is back', async () => {
  const dns = await startDnsServer()
  started.push(dns)
  const environment = { PREAMP_DNS_SERVERS: dns.address }
  const first = await startPreamp({ environment })
  const { appId, created } = await createDomain(first.client)
  const record = created.certificateVerificationDNSRecord!
  dns.misbehave(record.split('. ')[0]!, 'silent')
  await waitFor('a look', 20, () => dns.asked.includes(record.split('. ')[0]!))
  const stopping = performance.now()
  await first.stop({ keepData: true })
  expect(performance.now() - stopping).toBeLessThan(4000)
  setShownRecord(dns, record)
  setShownRecord(dns, created.subDomains![0]!.dnsRecord!, domainName)
  const second = await startPreamp({ environment, dataDir: first.dataDir })
  started.push(second)
  await untilStatus(second.client, appId, 'AVAILABLE')
})

describe('without a look at the DNS', () => {
  test('every domain is proven at once, and the server says so', async () => {
    const preamp = await start({ PREAMP_DOMAIN_VERIFICATION: 'none' })
    expect(preamp.output()).toContain('PREAMP_DOMAIN_VERIFICATION is none')
    const { appId } = await createDomain(preamp.client)
    const available = await untilStatus(preamp.client, appId, 'AVAILABLE')
    expect(available.subDomains![0]!.verified).toBe(true)
  })

  test('no server runs that others can reach', async () => {
    const main = new URL('../../src/main.ts', import.meta.url).pathname
    const child = Bun.spawn(
      [process.execPath, main, 'serve', '--host', '0.0.0.0', '--data-dir', '/nonexistent'],
      {
        env: { ...process.env, PREAMP_DOMAIN_VERIFICATION: 'none' },
        stdout: 'ignore',
        stderr: 'pipe',
      },
    )
    expect(await child.stderr.text()).toContain(
      'PREAMP_DOMAIN_VERIFICATION=none lets everybody take any domain',
    )
    expect(await child.exited).toBe(2)
  })
})
