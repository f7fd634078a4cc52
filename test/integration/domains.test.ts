import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'

import {
  AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  CreateDomainAssociationCommand,
  DeleteBranchCommand,
  DeleteDomainAssociationCommand,
  type DomainAssociation,
  GetBranchCommand,
  GetDomainAssociationCommand,
  GetJobCommand,
  paginateListDomainAssociations,
  StartDeploymentCommand,
  type SubDomainSetting,
  UpdateDomainAssociationCommand,
} from '@aws-sdk/client-amplify'

import { type DnsServer, setShownRecord, startDnsServer } from '../support/dns-server.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { waitFor } from '../support/wait-for.ts'

/** Custom domains from the call to the visitor, through a whole server and a DNS whose records come and go. */

let dns: DnsServer
let preamp: TestPreamp
let stranger: AmplifyClient
let appId: string
beforeAll(async () => {
  dns = await startDnsServer()
  preamp = await startPreamp({ environment: { PREAMP_DNS_SERVERS: dns.address } })
  stranger = clientOf(await createKey('222222222222'))
  appId = await createApp(preamp.client)
  await Promise.all(
    ['main', 'dev', 'feature/x'].map((branchName) => publish(preamp.client, appId, branchName)),
  )
})
afterAll(async () => {
  await preamp.stop()
  await dns.stop()
})

const clientOf = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
  new AmplifyClient({ endpoint: preamp.apiUrl, region: 'us-east-1', credentials, maxAttempts: 1 })

/** A key of another account, made as an operator does. */
async function createKey(accountId: string) {
  const output = await runCommand('keys', 'create', '--account-id', accountId)
  const [accessKeyId = '', secretAccessKey = ''] = output.match(/(?<== )\S+/g) ?? []
  return { accessKeyId, secretAccessKey }
}

async function runCommand(...words: string[]): Promise<string> {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = process.env
  const child = Bun.spawn([process.execPath, main, ...words, '--data-dir', preamp.dataDir], {
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  return (await child.stdout.text()) + (await child.stderr.text())
}

async function createApp(client: AmplifyClient): Promise<string> {
  const { app } = await client.send(new CreateAppCommand({ name: 'domains' }))
  return app!.appId!
}

/** A branch whose page is its name. */
async function publish(client: AmplifyClient, app: string, branchName: string): Promise<void> {
  const branch = { appId: app, branchName }
  await client.send(new CreateBranchCommand(branch))
  const fileMap = { 'index.html': createHash('md5').update(branchName).digest('hex') }
  const { jobId, fileUploadUrls } = await client.send(new CreateDeploymentCommand({ ...branch, fileMap }))
  await fetch(fileUploadUrls!['index.html']!, { method: 'PUT', body: branchName })
  await client.send(new StartDeploymentCommand({ ...branch, jobId: jobId! }))
  await waitFor('the deployment to succeed', 30, async () => {
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId: jobId! }))
    return job!.summary!.status === 'SUCCEED'
  })
}

async function create(
  domainName: string,
  subDomains: Record<string, string>,
  { client = preamp.client, app = appId, ...more }: Options = {},
): Promise<DomainAssociation> {
  const { domainAssociation } = await client.send(
    new CreateDomainAssociationCommand({
      appId: app,
      domainName,
      subDomainSettings: settingsOf(subDomains),
      ...more,
    }),
  )
  return domainAssociation!
}

interface Options {
  client?: AmplifyClient
  app?: string
  enableAutoSubDomain?: boolean
  autoSubDomainCreationPatterns?: string[]
}

const settingsOf = (subDomains: Record<string, string>): SubDomainSetting[] =>
  Object.entries(subDomains).map(([prefix, branchName]) => ({ prefix, branchName }))

async function get(
  domainName: string,
  { client = preamp.client, app = appId }: Options = {},
): Promise<DomainAssociation> {
  const { domainAssociation } = await client.send(new GetDomainAssociationCommand({ appId: app, domainName }))
  return domainAssociation!
}

function untilStatus(domainName: string, status: string, options?: Options): Promise<DomainAssociation> {
  let last: DomainAssociation | undefined
  return waitFor(
    () => `${domainName} to be ${status}: ${JSON.stringify(last)}`,
    20,
    async () => {
      last = await get(domainName, options)
      return last.domainStatus === status && last
    },
  )
}

/** What a visitor of the host gets. */
async function visit(host: string): Promise<string> {
  const response = await fetch(preamp.sitesUrl, {
    headers: { host, connection: 'close' },
    redirect: 'manual',
  })
  const body = await response.text()
  return response.status === 200 ? body : String(response.status)
}

const setOwnership = ({ certificateVerificationDNSRecord }: DomainAssociation) =>
  setShownRecord(dns, certificateVerificationDNSRecord!)

function setSubDomains({ domainName, subDomains }: DomainAssociation): void {
  for (const { dnsRecord } of subDomains ?? []) setShownRecord(dns, dnsRecord!, domainName)
}

const check = (domainName: string) => runCommand('domains', 'check', appId, domainName)

const refused = (sent: Promise<unknown>) =>
  sent.then(
    () => expect.unreachable('it was accepted'),
    (error: Error) => `${error.name}: ${error.message}`,
  )

describe('a domain', () => {
  test('goes from its record to its visitors', async () => {
    const domain = await create('First.example.com.', {
      '': 'main',
      www: 'main',
      '*': 'dev',
      'a.b': 'feature/x',
    })
    expect(domain).toMatchObject({
      domainAssociationArn: `arn:aws:amplify:us-east-1:000000000000:apps/${appId}/domains/first.example.com`,
      domainName: 'first.example.com',
      enableAutoSubDomain: false,
      domainStatus: 'CREATING',
      statusReason: '',
    })
    expect(domain.subDomains).toEqual([
      {
        subDomainSetting: { prefix: '', branchName: 'main' },
        verified: false,
        dnsRecord: ` CNAME ${appId}.localhost`,
      },
      {
        subDomainSetting: { prefix: 'www', branchName: 'main' },
        verified: false,
        dnsRecord: `www CNAME ${appId}.localhost`,
      },
      {
        subDomainSetting: { prefix: '*', branchName: 'dev' },
        verified: false,
        dnsRecord: `* CNAME ${appId}.localhost`,
      },
      {
        subDomainSetting: { prefix: 'a.b', branchName: 'feature/x' },
        verified: false,
        dnsRecord: `a.b CNAME ${appId}.localhost`,
      },
    ])
    const record = domain.certificateVerificationDNSRecord!
    expect(record).toMatch(
      /^_[0-9a-f]{32}\.first\.example\.com\. CNAME _[0-9a-f]{32}\.validations\.localhost\.$/,
    )
    expect(domain.certificate).toEqual({ type: 'AMPLIFY_MANAGED', certificateVerificationDNSRecord: record })

    await waitFor('the first look', 20, async () => {
      const { domainStatus, statusReason } = await get('first.example.com')
      if (domainStatus !== 'PENDING_VERIFICATION') return false
      return statusReason!.endsWith(`Expected: "${record}"; seen: no such record.`)
    })
    expect(await visit('www.first.example.com')).toBe('404')

    setOwnership(domain)
    const owned = await untilStatus('first.example.com', 'PENDING_DEPLOYMENT')
    expect(owned.statusReason).toContain(`"www CNAME ${appId}.localhost"; seen: no such record`)
    // Served from the ownership on: whoever sends visitors here is served.
    expect(await visit('www.first.example.com')).toBe('main')

    // The domain itself can have no CNAME: it leads where the target does.
    dns.set(`${appId}.localhost`, { type: 'A', value: '192.0.2.7' }, { type: 'AAAA', value: '2001:db8::7' })
    dns.set('first.example.com', { type: 'A', value: '192.0.2.7' })
    dns.set('www.first.example.com', { type: 'CNAME', value: 'elsewhere.example.net' })
    dns.set('elsewhere.example.net', { type: 'CNAME', value: `${appId}.LOCALHOST` })
    for (const { subDomainSetting, dnsRecord } of domain.subDomains!.slice(2)) {
      expect(subDomainSetting!.prefix).toMatch(/^(\*|a\.b)$/)
      setShownRecord(dns, dnsRecord!, 'first.example.com')
    }
    const available = await untilStatus('first.example.com', 'AVAILABLE')
    expect(available.statusReason).toBe('')
    expect(available.updateStatus).toBeUndefined()
    expect(available.subDomains!.map(({ verified }) => verified)).toEqual([true, true, true, true])

    expect(await visit('first.example.com')).toBe('main')
    expect(await visit('WWW.first.example.com.:8080')).toBe('main')
    expect(await visit('a.b.first.example.com')).toBe('feature/x')
    expect(await visit('anything.first.example.com')).toBe('dev')
    // A wildcard is one label.
    expect(await visit('x.anything.first.example.com')).toBe('404')
    expect(await visit('b.first.example.com')).toBe('dev')
    const { branch } = await preamp.client.send(new GetBranchCommand({ appId, branchName: 'main' }))
    expect(branch!.customDomains).toEqual(['first.example.com', 'www.first.example.com'])
  })

  test('is down on the spot when it is deleted, and has the same record when it is made again', async () => {
    const domain = await create('gone.example.com', { www: 'main' })
    setOwnership(domain)
    setSubDomains(domain)
    await untilStatus('gone.example.com', 'AVAILABLE')
    expect(await visit('www.gone.example.com')).toBe('main')
    const { domainAssociation } = await preamp.client.send(
      new DeleteDomainAssociationCommand({ appId, domainName: 'GONE.example.com' }),
    )
    expect(domainAssociation).toMatchObject({ domainName: 'gone.example.com', domainStatus: 'AVAILABLE' })
    expect(await visit('www.gone.example.com')).toBe('404')
    expect(await refused(get('gone.example.com'))).toBe(
      'NotFoundException: Domain association gone.example.com not found.',
    )
    const again = await create('gone.example.com', { www: 'dev' })
    expect(again.certificateVerificationDNSRecord).toBe(domain.certificateVerificationDNSRecord)
    await untilStatus('gone.example.com', 'AVAILABLE')
    expect(await visit('www.gone.example.com')).toBe('dev')
  })

  test('changes under its visitors', async () => {
    const domain = await create('changing.example.com', { www: 'main', old: 'main' })
    setOwnership(domain)
    setSubDomains(domain)
    await untilStatus('changing.example.com', 'AVAILABLE')
    const { domainAssociation } = await preamp.client.send(
      new UpdateDomainAssociationCommand({
        appId,
        domainName: 'changing.example.com',
        subDomainSettings: settingsOf({ new: 'dev', www: 'dev' }),
      }),
    )
    expect(domainAssociation).toMatchObject({ domainStatus: 'UPDATING', updateStatus: 'PENDING_DEPLOYMENT' })
    expect(
      domainAssociation!.subDomains!.map(({ subDomainSetting, verified }) => [
        subDomainSetting!.prefix,
        verified,
      ]),
    ).toEqual([
      ['new', false],
      ['www', true],
    ])
    expect(await visit('www.changing.example.com')).toBe('dev')
    expect(await visit('new.changing.example.com')).toBe('dev')
    expect(await visit('old.changing.example.com')).toBe('404')
    const settled = await untilStatus('changing.example.com', 'PENDING_DEPLOYMENT')
    expect(settled.updateStatus).toBe('AWAITING_APP_CNAME')
    setSubDomains(domainAssociation!)
    expect((await untilStatus('changing.example.com', 'AVAILABLE')).updateStatus).toBe('UPDATE_COMPLETE')
  })

  test('gives branches that match a host of their own, for as long as they exist', async () => {
    await publish(preamp.client, appId, 'pr-1')
    const domain = await create(
      'auto.example.com',
      { www: 'main', '*': 'main' },
      { enableAutoSubDomain: true },
    )
    expect(domain).toMatchObject({ enableAutoSubDomain: true, autoSubDomainCreationPatterns: ['*', 'pr*'] })
    setOwnership(domain)
    await untilStatus('auto.example.com', 'PENDING_DEPLOYMENT')
    expect(await visit('pr-1.auto.example.com')).toBe('pr-1')
    expect(await visit('dev.auto.example.com')).toBe('dev')
    // `*` does not match a slash: the wildcard's branch takes it.
    expect(await visit('feature-x.auto.example.com')).toBe('main')
    const { branch } = await preamp.client.send(new GetBranchCommand({ appId, branchName: 'pr-1' }))
    expect(branch!.customDomains).toEqual(['pr-1.auto.example.com'])
    await preamp.client.send(
      new UpdateDomainAssociationCommand({
        appId,
        domainName: 'auto.example.com',
        subDomainSettings: settingsOf({ www: 'main', shown: 'dev' }),
        autoSubDomainCreationPatterns: ['feature/*', 'dev', 'pr-*'],
      }),
    )
    expect(await visit('feature-x.auto.example.com')).toBe('feature/x')
    // It has a host of its own now.
    expect(await visit('dev.auto.example.com')).toBe('404')
    expect(await visit('shown.auto.example.com')).toBe('dev')
    await preamp.client.send(new DeleteBranchCommand({ appId, branchName: 'pr-1' }))
    expect(await visit('pr-1.auto.example.com')).toBe('404')
  })
})

test('patterns that would keep an edge busy are refused', async () => {
  const autoSubDomainCreationPatterns = Array<string>(500).fill('*b'.repeat(1000))
  const more = { enableAutoSubDomain: true, autoSubDomainCreationPatterns }
  expect(await refused(create('slow.example.com', { www: 'main' }, more))).toContain(
    'has 500 patterns of 1000000 characters',
  )
  await create('slow.example.com', { www: 'main' })
  const update = new UpdateDomainAssociationCommand({
    appId,
    domainName: 'slow.example.com',
    autoSubDomainCreationPatterns: ['a'.repeat(2048), 'a'.repeat(2048), 'a'],
  })
  expect(await refused(preamp.client.send(update))).toBe(
    'BadRequestException: autoSubDomainCreationPatterns has 3 patterns of 4097 characters together. Use 50 patterns and 4096 characters at the most.',
  )
})

describe('a host belongs to one app', () => {
  test('within an account as soon as it is asked for', async () => {
    await create('claimed.example.com', { '': 'main', www: 'main' })
    const other = await createApp(preamp.client)
    await preamp.client.send(new CreateBranchCommand({ appId: other, branchName: 'main' }))
    const taken =
      'BadRequestException: One or more domains requested are already associated with another Amplify app: '
    expect(
      await refused(create('claimed.example.com', { www: 'main', x: 'main', '': 'main' }, { app: other })),
    ).toBe(`${taken}www.claimed.example.com, claimed.example.com`)
    expect(await refused(create('www.claimed.example.com', { '': 'main' }, { app: other }))).toBe(
      `${taken}www.claimed.example.com`,
    )
    await create('claimed.example.com', { free: 'main' }, { app: other })
    const update = new UpdateDomainAssociationCommand({
      appId: other,
      domainName: 'claimed.example.com',
      subDomainSettings: settingsOf({ www: 'main' }),
    })
    expect(await refused(preamp.client.send(update))).toBe(`${taken}www.claimed.example.com`)
    expect(await refused(create('claimed.example.com', { y: 'main' }))).toBe(
      `BadRequestException: The domain claimed.example.com is already associated with the app ${appId}. Use UpdateDomainAssociation to change it.`,
    )
  })

  test('across accounts once it is proven: an unproven claim keeps nobody out', async () => {
    const squatter = await createApp(stranger)
    await stranger.send(new CreateBranchCommand({ appId: squatter, branchName: 'main' }))
    const squatting = { client: stranger, app: squatter }
    const claim = await create('contested.example.com', { www: 'main' }, squatting)
    const domain = await create('contested.example.com', { www: 'main' })
    expect(claim.certificateVerificationDNSRecord).not.toBe(domain.certificateVerificationDNSRecord)
    setOwnership(domain)
    await untilStatus('contested.example.com', 'PENDING_DEPLOYMENT')
    const lost = await untilStatus('contested.example.com', 'FAILED', squatting)
    expect(lost.statusReason).toStartWith(
      'One or more of the CNAMEs you provided are already associated with a different resource.',
    )
    expect(await visit('www.contested.example.com')).toBe('main')
    await stranger.send(
      new DeleteDomainAssociationCommand({ appId: squatter, domainName: 'contested.example.com' }),
    )
    for (const prefix of ['www', 'other']) {
      expect(await refused(create('contested.example.com', { [prefix]: 'main' }, squatting))).toStartWith(
        'BadRequestException: One or more domains requested are already associated with another Amplify app: ',
      )
    }
  })

  test('of two whose records appear at once, exactly one wins', async () => {
    const rival = await createApp(stranger)
    await stranger.send(new CreateBranchCommand({ appId: rival, branchName: 'main' }))
    const claims = await Promise.all([
      create('raced.example.com', { www: 'main' }),
      create('raced.example.com', { www: 'main' }, { client: stranger, app: rival }),
    ])
    for (const claim of claims) setOwnership(claim)
    const statuses = await waitFor('both to be decided', 20, async () => {
      const both = await Promise.all([
        get('raced.example.com'),
        get('raced.example.com', { client: stranger, app: rival }),
      ])
      const found = both.map(({ domainStatus }) => domainStatus)
      return !found.includes('PENDING_VERIFICATION') && !found.includes('CREATING') && new Set(found)
    })
    expect(statuses).toEqual(new Set(['FAILED', 'PENDING_DEPLOYMENT']))
  })
})

test.each([
  [{ x: 'nowhere' }, 'A subdomain cannot point to a non-existent branch'],
  [{ a_b: 'main' }, 'The prefix "a_b" cannot begin a host of bad.example.com: '],
  [{ www: 'main', WWW: 'main' }, 'The prefix "WWW" is there twice in subDomainSettings.'],
])('sub-domains %j are refused', async (subDomains, message) => {
  expect(await refused(create('bad.example.com', subDomains as Record<string, string>))).toStartWith(
    `BadRequestException: ${message}`,
  )
})

test('the names of the sites themselves are nobody’s', async () => {
  expect(await refused(create('own.localhost', { www: 'main' }))).toContain(
    'own.localhost lies below localhost',
  )
})

test('a custom certificate needs its ARN, and is answered', async () => {
  const certificateSettings = { type: 'CUSTOM' as const }
  const input = { appId, domainName: 'tls.example.com', subDomainSettings: [] }
  expect(
    await refused(preamp.client.send(new CreateDomainAssociationCommand({ ...input, certificateSettings }))),
  ).toBe('BadRequestException: A certificate of the type CUSTOM needs its customCertificateArn.')
  const customCertificateArn = 'arn:aws:acm:us-east-1:000000000000:certificate/abc'
  const { domainAssociation } = await preamp.client.send(
    new CreateDomainAssociationCommand({
      ...input,
      certificateSettings: { ...certificateSettings, customCertificateArn },
    }),
  )
  expect(domainAssociation!.certificate).toMatchObject({ type: 'CUSTOM', customCertificateArn })
})

test('the list shows every domain of the app, in pages', async () => {
  const app = await createApp(preamp.client)
  for (const name of ['c', 'a', 'b']) await create(`${name}.list.example.com`, {}, { app })
  const seen: (string | undefined)[] = []
  for await (const page of paginateListDomainAssociations(
    { client: preamp.client, pageSize: 2 },
    { appId: app },
  )) {
    seen.push(...(page.domainAssociations ?? []).map(({ domainName }) => domainName))
  }
  expect(seen).toEqual(['c.list.example.com', 'a.list.example.com', 'b.list.example.com'])
})

test('`preamp domains check` looks at once, and says what is expected and seen', async () => {
  const domain = await create('asked.example.com', { www: 'main' })
  dns.set('www.asked.example.com', { type: 'CNAME', value: 'old.example.net' })
  const before = await check('asked.example.com')
  expect(before).toContain(domain.certificateVerificationDNSRecord!)
  expect(before).toContain('PENDING_VERIFICATION')
  expect(before).toContain('not looked at before the ownership record is there')
  setOwnership(domain)
  const owned = await check('asked.example.com')
  expect(owned).toContain('PENDING_DEPLOYMENT')
  expect(owned).toContain('CNAME old.example.net')
  setSubDomains(domain)
  expect(await check('asked.example.com')).toContain('asked.example.com: AVAILABLE')
})
