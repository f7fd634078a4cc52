import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { startApi, type TestApi } from '../support/api.ts'
import { call, type Members } from '../support/contract.ts'
import { type DnsServer, setShownRecord, startDnsServer } from '../support/dns-server.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import {
  create,
  destroy,
  type Managed,
  read,
  unset,
  update,
  waitForDomain,
  waits,
} from '../support/terraform-provider.ts'

/**
 * The calls that Terraform's AWS provider makes (contract/terraform-sequences.md), of versions old and new: what it reads
 * after each is what its next plan needs to find nothing to do. test/e2e/terraform.test.ts runs Terraform itself.
 */

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

/** Of more than no characters. */
const someText = expect.stringMatching(/./) as string

const createApp = (members: Members = {}) => create(api.client(), 'App', { name: 'site', ...members })

/** The provider always says whether a branch builds by itself. */
async function createBranch(members: Members = {}): Promise<Managed> {
  const { address } = await createApp()
  const branch = { ...address, branchName: 'release/main', enableAutoBuild: true, ...members }
  return create(api.client(), 'Branch', branch)
}

async function createWebhook(members: Members = {}): Promise<Managed> {
  const { address } = await createBranch({ branchName: 'main' })
  await create(api.client(), 'Branch', { appId: address['appId'], branchName: 'other' })
  return create(api.client(), 'Webhook', { ...address, ...members })
}

/**
 * A member of an update, the value that it is given, what is sent when the argument is taken away again, and where that
 * value stays, the words of contract/terraform-sequences.md that say why no plan minds.
 */
type Change = [member: string, value: unknown, empties: unknown[], stays?: string]

const role = 'arn:aws:iam::123456789012:role/one'
const credentials = 'dXNlcjpwYXNz'
const variables = { ONE: '1', TWO: '2' }
/** Of versions since September 2024, and before. */
const noVariables = [{ ' ': '' }, { '': '' }]
const forcesNew = 'clearing forces replacement, because AWS ignores it'
const notReflected = 'dropping basic_auth_credentials, auto config or patterns is not reflected by the API'

const appChanges: Change[] = [
  ['name', 'other', ['site']],
  ['accessToken', 'token', ['']],
  ['oauthToken', 'token', ['']],
  ['autoBranchCreationPatterns', ['feature/*'], [[]], notReflected],
  ['basicAuthCredentials', credentials, [''], notReflected],
  ['buildSpec', 'version: 1', [''], 'build_spec keeps its last value'],
  ['cacheConfig', { type: 'AMPLIFY_MANAGED_NO_COOKIES' }, [{ type: 'AMPLIFY_MANAGED' }]],
  ['computeRoleArn', role, ['']],
  ['customHeaders', 'customHeaders: []', ['']],
  ['customRules', [{ source: '/b', target: '/c' }], [[]]],
  [
    'customRules',
    [
      { source: '/old', target: '/new', status: '301' },
      { source: '/<*>', target: '/de', status: '404-200', condition: '<DE>' },
    ],
    [[]],
  ],
  ['description', 'a site', [undefined], forcesNew],
  ['enableBasicAuth', true, [false]],
  ['enableBranchAutoBuild', true, [false]],
  ['enableBranchAutoDeletion', true, [false]],
  ['environmentVariables', variables, noVariables],
  ['iamServiceRoleArn', role, [undefined], forcesNew],
  ['jobConfig', { buildComputeType: 'LARGE_16GB' }, [{ buildComputeType: 'STANDARD_8GB' }]],
  ['platform', 'WEB_COMPUTE', ['WEB']],
  ['repository', 'https://git.example/site.git', ['']],
]

const branchChanges: Change[] = [
  ['backendEnvironmentArn', 'arn:aws:amplify:us-east-1:0:apps/d1/backendenvironments/dev', ['']],
  ['basicAuthCredentials', credentials, [''], notReflected],
  ['description', 'a branch', ['']],
  ['displayName', 'shown', ['']],
  ['enableAutoBuild', false, [true]],
  ['enableBasicAuth', true, [false]],
  ['enableNotification', true, [false]],
  ['enablePerformanceMode', true, [false]],
  ['enablePullRequestPreview', true, [false]],
  ['enableSkewProtection', true, [false]],
  ['environmentVariables', variables, noVariables],
  ['framework', 'React', ['']],
  ['pullRequestEnvironmentName', 'preview', ['']],
  ['stage', 'BETA', [undefined], 'stage `""` is omitted by Go'],
  ['ttl', '60', ['']],
]

const webhookChanges: Change[] = [
  ['branchName', 'other', ['main']],
  ['description', 'a webhook', ['']],
]

/** Members that are never read back leave the state as it was. */
const having = ({ kind, state }: Managed, member: string, value: unknown) =>
  member in unset[kind] ? { ...state, [member]: value } : state

describe.each([
  ['app', createApp, appChanges],
  ['branch', createBranch, branchChanges],
  ['webhook', createWebhook, webhookChanges],
] as const)('%s', (_resource, make, changes) => {
  const cases = changes.flatMap(([member, value, empties, stays]) =>
    empties.map(
      (empty) => [member, JSON.stringify(value), JSON.stringify(empty), { value, empty, stays }] as const,
    ),
  )

  test.each(cases)('%s is set to %s, then %s', async (member, _value, _empty, { value, empty, stays }) => {
    const plain = await make()
    const changed = await update(api.client(), plain, { [member]: value })
    expect(changed.state).toEqual(having(plain, member, value))
    const emptied = await update(api.client(), changed, { [member]: empty })
    expect(emptied.state).toEqual(stays === undefined ? plain.state : changed.state)
  })

  test('reads after its creation what it was created with', async () => {
    for (const [member, value] of changes) {
      const { kind, state } = await make({ [member]: value })
      if (member in unset[kind]) expect([member, state[member]]).toEqual([member, value])
    }
  })
})

describe.each([
  ['app', createApp],
  ['branch', createBranch],
])('tags of an %s', (_resource, make) => {
  test.each<[Members, Members]>([
    [{}, { team: 'web' }],
    [
      { team: 'web', place: 'here' },
      { team: 'ops', stage: 'test' },
    ],
    [{ team: 'web' }, {}],
  ])('become of %j %j, before any other change', async (before, after) => {
    const created = await make(Object.keys(before).length > 0 ? { tags: before } : {})
    expect(created.state['tags']).toEqual(before)
    const { state } = await update(api.client(), created, { tags: after })
    expect(state).toEqual({ ...created.state, tags: after })
    const renamed = await update(api.client(), created, { tags: after, description: 'new' })
    expect(renamed.state).toEqual({ ...created.state, tags: after, description: 'new' })
  })
})

describe('a plain', () => {
  test('app', async () => {
    const { address, state } = await createApp({ platform: 'WEB' })
    expect(state).toEqual({
      ...unset['App'],
      appArn: `arn:aws:amplify:us-east-1:000000000000:apps/${String(address['appId'])}`,
      cacheConfig: { type: 'AMPLIFY_MANAGED' },
      defaultDomain: api.services.defaultDomain(String(address['appId'])),
      jobConfig: { buildComputeType: 'STANDARD_8GB' },
      name: 'site',
      platform: 'WEB',
    })
  })

  test('branch', async () => {
    const { address, state } = await createBranch({ branchName: 'main' })
    expect(state).toEqual({
      ...unset['Branch'],
      branchArn: `arn:aws:amplify:us-east-1:000000000000:apps/${String(address['appId'])}/branches/main`,
      branchName: 'main',
      displayName: 'main',
      enableAutoBuild: true,
      stage: 'NONE',
      ttl: '5',
    })
  })

  test('webhook, whose app older versions find in the ARN', async () => {
    const { address, state } = await createWebhook()
    const { appId, webhookArn, webhookUrl } = state as Record<string, string>
    expect(state).toEqual({ ...unset['Webhook'], appId, branchName: 'main', webhookArn, webhookUrl })
    const resource = webhookArn!.split(':').slice(5).join(':')
    expect(resource.split('/')).toEqual(['apps', appId!, 'webhooks', String(address['webhookId'])])
    const started = new URL(`${webhookUrl}&operation=startbuild`)
    expect(started.searchParams.get('operation')).toBe('startbuild')
  })

  test('backend environment, with names made for it that stay', async () => {
    const { address } = await createApp()
    const made = await create(api.client(), 'BackendEnvironment', { ...address, environmentName: 'dev' })
    expect(made.state).toMatchObject({
      environmentName: 'dev',
      stackName: someText,
      deploymentArtifacts: someText,
    })
    expect(await read(api.client(), made)).toEqual(made.state)
  })
})

test('a backend environment has the names that are sent', async () => {
  const { address } = await createApp()
  const names = { environmentName: 'dev', stackName: 'stack', deploymentArtifacts: 'artifacts' }
  const { state } = await create(api.client(), 'BackendEnvironment', { ...address, ...names })
  expect(state).toMatchObject(names)
})

describe('automatic branches', () => {
  const on = { enableAutoBranchCreation: true, autoBranchCreationPatterns: ['feature/*'] }
  const off = {
    enableAutoBuild: false,
    enableBasicAuth: false,
    enablePerformanceMode: false,
    enablePullRequestPreview: false,
  }
  const config = { ...off, enableAutoBuild: true, framework: 'React', stage: 'BETA', buildSpec: 'version: 1' }

  test('without a configuration have one that says no to everything', async () => {
    const { state } = await createApp(on)
    expect(state).toMatchObject(on)
    expect(state['autoBranchCreationConfig']).toEqual({ ...off, stage: 'NONE' })
  })

  test('lose what is taken out of their configuration: the rest is sent', async () => {
    const created = await createApp({ ...on, autoBranchCreationConfig: config })
    expect(created.state['autoBranchCreationConfig']).toEqual(config)
    const { state } = await update(api.client(), created, { autoBranchCreationConfig: off })
    expect(state).toEqual({ ...created.state, autoBranchCreationConfig: { ...off, stage: 'NONE' } })
  })

  test.each(noVariables)('lose their variables by %j', async (environmentVariables) => {
    const set = { ...config, environmentVariables: variables }
    const created = await createApp({ ...on, autoBranchCreationConfig: set })
    expect(created.state['autoBranchCreationConfig']).toEqual(set)
    const emptied = { autoBranchCreationConfig: { ...config, environmentVariables } }
    const { state } = await update(api.client(), created, emptied)
    expect(state['autoBranchCreationConfig']).toEqual({ ...config, environmentVariables: {} })
  })

  test('keep credentials, patterns and all when they are switched off', async () => {
    // `dropping basic_auth_credentials, auto config or patterns is not reflected by the API`
    const set = { ...config, enableBasicAuth: true, basicAuthCredentials: credentials }
    const created = await createApp({ ...on, autoBranchCreationConfig: set })
    const withoutCredentials = await update(api.client(), created, { autoBranchCreationConfig: config })
    const kept = { ...config, basicAuthCredentials: credentials }
    expect(withoutCredentials.state['autoBranchCreationConfig']).toEqual(kept)
    const switchedOff = await update(api.client(), withoutCredentials, {
      enableAutoBranchCreation: false,
      autoBranchCreationPatterns: [],
    })
    expect(switchedOff.state).toEqual({ ...withoutCredentials.state, enableAutoBranchCreation: false })
  })
})

/** One resource of each kind, in the order in which Terraform destroys them. */
async function createAll(): Promise<Managed[]> {
  const client = api.client()
  const app = await createApp()
  const backend = await create(client, 'BackendEnvironment', { ...app.address, environmentName: 'dev' })
  const backendEnvironmentArn = backend.state['backendEnvironmentArn']
  const named = { ...app.address, branchName: 'main' }
  const branch = await create(client, 'Branch', { ...named, backendEnvironmentArn })
  const webhook = await create(client, 'Webhook', named)
  const domain = await create(client, 'DomainAssociation', {
    ...app.address,
    domainName: `${String(app.address['appId'])}.example`,
    enableAutoSubDomain: false,
    subDomainSettings: [{ prefix: '', branchName: 'main' }],
  })
  return [domain, webhook, branch, backend, app]
}

describe('destroy', () => {
  test('takes one call for each in the order of references, and what is gone is NotFoundException', async () => {
    const all = await createAll()
    for (const resource of all) {
      expect(await read(api.client(), resource)).toBeDefined()
      expect(await destroy(api.client(), resource)).toBe(true)
      expect(await read(api.client(), resource)).toBeUndefined()
      expect(await destroy(api.client(), resource)).toBe(false)
    }
  })

  test('of an app alone takes all of it along', async () => {
    const all = await createAll()
    expect(await destroy(api.client(), all.at(-1)!)).toBe(true)
    for (const resource of all) {
      expect(await read(api.client(), resource)).toBeUndefined()
      expect(await destroy(api.client(), resource)).toBe(false)
    }
  })
})

const settingsOf = ({ state }: Managed) =>
  (state['subDomains'] as Members[]).map(({ subDomainSetting }) => subDomainSetting)

describe('domain association', () => {
  let dns: DnsServer
  let preamp: TestPreamp
  let appId: unknown
  beforeAll(async () => {
    dns = await startDnsServer()
    preamp = await startPreamp({ environment: { PREAMP_DNS_SERVERS: dns.address } })
    const app = await create(preamp.client, 'App', { name: 'site' })
    appId = app.address['appId']
    for (const branchName of ['main', 'dev']) await create(preamp.client, 'Branch', { appId, branchName })
  })
  afterAll(async () => {
    await preamp.stop()
    await dns.stop()
  })

  /** A record is looked for again after two seconds, and a DNS that says nothing is waited for. */
  const lookSecondsMax = 30
  const apex = [{ prefix: '', branchName: 'main' }]
  const twoSubDomains = [...apex, { prefix: 'shop', branchName: 'dev' }]
  const certificateArn = 'arn:aws:acm:us-east-1:123456789012:certificate/one'

  describe.each(Object.entries(waits))('with the waits of %s providers', (age, { created, verified }) => {
    const domainName = `${age}.example`
    const untilVerified = (resource: Pick<Managed, 'kind' | 'address'>) =>
      waitForDomain(preamp.client, resource, verified)
    let domain: Managed

    test(
      'is created, waits for its record and is verified',
      async () => {
        const sent = { appId, domainName, enableAutoSubDomain: false, subDomainSettings: apex }
        domain = await create(preamp.client, 'DomainAssociation', sent, (resource) =>
          waitForDomain(preamp.client, resource, created),
        )
        const record = String(domain.state['certificateVerificationDNSRecord'])
        const { domainAssociationArn, subDomains } = domain.state
        expect(domain.state).toEqual({
          certificate: { type: 'AMPLIFY_MANAGED', certificateVerificationDNSRecord: record },
          certificateVerificationDNSRecord: record,
          domainAssociationArn,
          domainName,
          enableAutoSubDomain: false,
          subDomains: [{ subDomainSetting: apex[0], verified: false, dnsRecord: someText }],
        })
        expect(domainAssociationArn).toEndWith(`:apps/${String(appId)}/domains/${domainName}`)

        setShownRecord(dns, record)
        await untilVerified(domain)
        for (const { dnsRecord } of subDomains as { dnsRecord: string }[]) {
          setShownRecord(dns, dnsRecord, domainName)
        }
        expect(await read(preamp.client, domain)).toMatchObject({ ...domain.state, subDomains: [{}] })
      },
      lookSecondsMax * 1000,
    )

    test.each<[string, Members, Members]>([
      ['sub-domains', { subDomainSettings: twoSubDomains }, {}],
      ['sub-domains again', { subDomainSettings: apex }, {}],
      ['auto sub-domains', { enableAutoSubDomain: true }, { enableAutoSubDomain: true }],
      ['no auto sub-domains', { enableAutoSubDomain: false }, { enableAutoSubDomain: false }],
      [
        'a certificate',
        { certificateSettings: { type: 'CUSTOM', customCertificateArn: certificateArn } },
        { certificate: { type: 'CUSTOM', customCertificateArn: certificateArn } },
      ],
      [
        'no certificate',
        { certificateSettings: { type: 'AMPLIFY_MANAGED' } },
        { certificate: { type: 'AMPLIFY_MANAGED' } },
      ],
    ])('is updated to %s and waits to be verified', async (_what, change, expected) => {
      // Not managed: they must survive an update that omits them.
      const unmanaged = { autoSubDomainCreationPatterns: ['x*'], autoSubDomainIAMRole: role }
      await call(preamp.client, 'UpdateDomainAssociation', { ...domain.address, ...unmanaged })

      const updated = await update(preamp.client, domain, change, untilVerified)
      expect(settingsOf(updated)).toEqual((change['subDomainSettings'] as Members[]) ?? settingsOf(domain))
      const { certificateVerificationDNSRecord } = domain.state
      const certificate = expected['certificate'] ?? { type: 'AMPLIFY_MANAGED' }
      expect(updated.state).toEqual({
        ...domain.state,
        ...expected,
        certificate: { ...(certificate as Members), certificateVerificationDNSRecord },
        subDomains: updated.state['subDomains'],
      })
      const { domainAssociation } = await call(preamp.client, 'GetDomainAssociation', domain.address)
      expect(domainAssociation).toMatchObject(unmanaged)
      domain = updated
    })

    test(
      'waits through UPDATING for as long as the DNS says nothing',
      async () => {
        const [{ dnsRecord }] = domain.state['subDomains'] as [{ dnsRecord: string }]
        dns.misbehave(domainName, 'silent')
        await update(preamp.client, domain, { subDomainSettings: apex }, async (resource) => {
          const { domainAssociation } = await call(preamp.client, 'GetDomainAssociation', resource.address)
          expect(domainAssociation).toMatchObject({ domainStatus: 'UPDATING' })
          setShownRecord(dns, dnsRecord, domainName)
          await untilVerified(resource)
        })
      },
      lookSecondsMax * 1000,
    )

    test('is destroyed', async () => {
      expect(await destroy(preamp.client, domain)).toBe(true)
      expect(await read(preamp.client, domain)).toBeUndefined()
    })
  })
})
