import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { type AmplifyClient, CreateAppCommand, GetAppCommand, ListAppsCommand } from '@aws-sdk/client-amplify'
import { SignatureV4 } from '@smithy/signature-v4'

import type { OperationName } from '../../src/api/operation.ts'
import { signedEndpoints } from '../../src/api/preamp/endpoints.ts'
import type { KeyPair } from '../../src/first-key.ts'
import { newSessionToken } from '../../src/model/ids.ts'
import { deployOnlyPolicy, readOnlyPolicy } from '../../src/model/managed-policies.ts'
import type { PolicyStatement } from '../../src/model/policy-document.ts'
import { Sha256 } from '../../src/model/sha256.ts'
import { changeAccessKey } from '../../src/store/access-keys.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { call, failureOf, type Members, operationNames } from '../support/contract.ts'
import { databaseContent } from '../support/database-content.ts'
import { inputFor, nowhere } from '../support/operation-inputs.ts'

/** What keys may do, through the front door: every operation is refused and let through by the policies of its key. */

let api: TestApi
let minutesLater = 0
beforeAll(async () => {
  api = await startApi({ services: { now: () => Date.now() + minutesLater * 60_000 } })
})
afterAll(() => api.stop())

/** Everything on everything, but for what is said otherwise. */
const statement = (members: Partial<PolicyStatement> = {}): PolicyStatement => ({
  Effect: 'Allow',
  ...(members.NotAction === undefined && { Action: '*' }),
  ...(members.NotResource === undefined && { Resource: '*' }),
  ...members,
})

const keyWith = (...Statement: PolicyStatement[]) =>
  api.createKey({ userName: 'ci', policies: [{ Statement }] })
const clientWith = async (...statements: PolicyStatement[]) => api.client(await keyWith(...statements))

const onlyWhere = (Condition: NonNullable<PolicyStatement['Condition']>) =>
  clientWith(statement({ Condition }))

const scope = 'arn:aws:amplify:us-east-1:000000000000'
const appOf = ({ appId }: Members) => `${scope}:apps/${String(appId)}`
const branchOf = (input: Members) => `${appOf(input)}/branches/${String(input['branchName'])}`
const jobOf = (input: Members) => `${branchOf(input)}/jobs/${String(input['jobId']).padStart(10, '0')}`
const domainOf = (input: Members) => `${appOf(input)}/domains/${String(input['domainName'])}`
const webhookOf = ({ webhookId }: Members) => `${scope}:webhooks/${String(webhookId)}`

/** IAM's action and ARN of each operation, written down a second time. */
const permissions: Record<OperationName, [action: string, resource: (input: Members) => string | RegExp]> = {
  CreateApp: ['CreateApp', () => `${scope}:apps/*`],
  GetApp: ['GetApp', appOf],
  ListApps: ['ListApps', () => `${scope}:apps/*`],
  UpdateApp: ['UpdateApp', appOf],
  DeleteApp: ['DeleteApp', appOf],
  CreateBranch: ['CreateBranch', branchOf],
  GetBranch: ['GetBranch', branchOf],
  ListBranches: ['ListBranches', appOf],
  UpdateBranch: ['UpdateBranch', branchOf],
  DeleteBranch: ['DeleteBranch', branchOf],
  StartJob: ['StartJob', (input) => `${branchOf(input)}/jobs/*`],
  GetJob: ['GetJob', jobOf],
  ListJobs: ['ListJobs', (input) => `${branchOf(input)}/jobs/*`],
  StopJob: ['StopJob', jobOf],
  DeleteJob: ['DeleteJob', jobOf],
  CreateDeployment: ['CreateDeployment', branchOf],
  StartDeployment: ['StartDeployment', branchOf],
  ListArtifacts: ['ListArtifacts', appOf],
  GetArtifactUrl: ['GetArtifactUrl', () => new RegExp(`^${scope}:apps/d[a-z0-9]{13}$`)],
  CreateDomainAssociation: ['CreateDomainAssociation', domainOf],
  GetDomainAssociation: ['GetDomainAssociation', domainOf],
  ListDomainAssociations: ['ListDomainAssociations', appOf],
  UpdateDomainAssociation: ['UpdateDomainAssociation', domainOf],
  DeleteDomainAssociation: ['DeleteDomainAssociation', domainOf],
  CreateWebhook: ['CreateWebHook', branchOf],
  GetWebhook: ['GetWebHook', webhookOf],
  ListWebhooks: ['ListWebHooks', appOf],
  UpdateWebhook: ['UpdateWebHook', webhookOf],
  DeleteWebhook: ['DeleteWebHook', webhookOf],
  CreateBackendEnvironment: ['CreateBackendEnvironment', appOf],
  GetBackendEnvironment: ['GetBackendEnvironment', appOf],
  ListBackendEnvironments: ['ListBackendEnvironments', appOf],
  DeleteBackendEnvironment: ['DeleteBackendEnvironment', appOf],
  TagResource: ['TagResource', ({ resourceArn }) => String(resourceArn)],
  UntagResource: ['UntagResource', ({ resourceArn }) => String(resourceArn)],
  ListTagsForResource: ['ListTagsForResource', ({ resourceArn }) => String(resourceArn)],
  GenerateAccessLogs: ['GenerateAccessLogs', appOf],
}

/** What a refusal names. */
function readRefusal(message = '') {
  const [, user, action, resource, reason] =
    /^User: (\S+) is not authorized to perform: (\S+) on resource: (.+?) (because .*|with .*)$/s.exec(
      message,
    ) ?? []
  return { user, action, resource, reason }
}

/** Whether a call came to the handler. */
async function isLetThrough(client: AmplifyClient, name: OperationName, input: Members): Promise<boolean> {
  const failure = await failureOf(client, name, input)
  if (failure === undefined) return true
  expect(failure.name).toBe('AccessDeniedException')
  return false
}

describe.each(operationNames)('%s', (name) => {
  const [ownAction, resourceOf] = permissions[name]
  const action = `amplify:${ownAction}`

  test('is refused by name to a key that may do nothing, too little, or is denied it, and changes nothing', async () => {
    const input = await inputFor(api, name)
    const before = await databaseContent(api)
    const refusal = await failureOf(await clientWith(), name, input)
    expect(refusal).toMatchObject({ name: 'AccessDeniedException', status: 403 })
    const { user, action: refused, resource = '', reason } = readRefusal(refusal!.message)
    expect([user, refused]).toEqual(['arn:aws:iam::000000000000:user/ci', action])
    expect(reason).toBe(`because no identity-based policy allows the ${action} action`)
    const expected = resourceOf(input)
    if (typeof expected === 'string') expect(resource).toBe(expected)
    else expect(resource).toMatch(expected)

    const allButThis = [statement({ NotAction: action }), statement({ NotResource: resource })]
    expect(await isLetThrough(await clientWith(...allButThis), name, input)).toBe(false)
    const deny = statement({ Effect: 'Deny', Action: action, Resource: resource })
    const denied = await failureOf(await clientWith(statement(), deny), name, input)
    expect(readRefusal(denied?.message)).toMatchObject({
      action,
      resource,
      reason: 'with an explicit deny in an identity-based policy',
    })
    expect(await databaseContent(api)).toEqual(before)

    const exactlyThis = statement({ Action: action, Resource: resource })
    expect(await isLetThrough(await clientWith(exactlyThis), name, input)).toBe(true)
  })

  test('is refused for what is nowhere as for what is there', async () => {
    const input: Members = { ...(await inputFor(api, name)) }
    for (const member of Object.keys(nowhere)) if (member in input) input[member] = nowhere[member]
    const refusal = await failureOf(await clientWith(), name, input)
    expect(refusal?.name).toBe('AccessDeniedException')
    if (name === 'GetArtifactUrl') expect(readRefusal(refusal?.message).resource).toBe(`${scope}:apps/*`)
  })
})

test('constraints are checked first, which tells nothing of what exists', async () => {
  const failure = await failureOf(await clientWith(), 'GetApp', { appId: 'Nope' })
  expect(failure?.name).toBe('BadRequestException')
})

test('another spelling of a domain is the same one', async () => {
  const { appId, domainName } = await inputFor(api, 'GetDomainAssociation')
  const deny = statement({ Effect: 'Deny', Resource: domainOf({ appId, domainName }) })
  const client = await clientWith(statement(), deny)
  const spelling = `${String(domainName).toUpperCase()}.`
  expect(await isLetThrough(client, 'GetDomainAssociation', { appId, domainName: spelling })).toBe(false)
})

test('a webhook is the one of either of its ARNs', async () => {
  const input = await inputFor(api, 'GetWebhook')
  const { webhook } = (await call(api.client(), 'GetWebhook', input)) as { webhook: Members }
  const Resource = String(webhook['webhookArn'])
  expect(await isLetThrough(await clientWith(statement({ Resource })), 'GetWebhook', input)).toBe(true)
  const deny = statement({ Effect: 'Deny', Resource })
  expect(await isLetThrough(await clientWith(statement(), deny), 'GetWebhook', input)).toBe(false)
  const others = statement({ Resource: Resource.replace(String(webhook['appId']), 'dother') })
  expect(await isLetThrough(await clientWith(others), 'GetWebhook', input)).toBe(false)
})

test('the name of a branch cannot make it look like another resource', async () => {
  const isWeb = { StringEquals: { 'aws:ResourceTag/team': 'web' } }
  const { appId } = await inputFor(api, 'GetApp')
  const branch = { appId, branchName: 'main' }
  await call(api.client(), 'CreateBranch', branch)
  await call(api.client(), 'CreateBranch', { appId, branchName: 'main/jobs/*', tags: { team: 'web' } })
  const starter = await clientWith(statement({ Action: 'amplify:StartJob', Condition: isWeb }))
  expect(await isLetThrough(starter, 'StartJob', { ...branch, jobType: 'RELEASE' })).toBe(false)

  const guarded = { appId, branchName: 'r/jobs/0000000001' }
  await call(api.client(), 'CreateBranch', { ...guarded, tags: { team: 'web' } })
  const deny = statement({ Effect: 'Deny', Action: 'amplify:DeleteBranch', Condition: isWeb })
  expect(await isLetThrough(await clientWith(statement(), deny), 'DeleteBranch', guarded)).toBe(false)
})

test('a webhook is pointed only where one may be made', async () => {
  const { webhookId } = await inputFor(api, 'GetWebhook')
  const { webhook } = (await call(api.client(), 'GetWebhook', { webhookId })) as { webhook: Members }
  const branch = { appId: webhook['appId'], branchName: 'prod' }
  await call(api.client(), 'CreateBranch', branch)
  const deny = statement({ Effect: 'Deny', Resource: branchOf(branch) })
  const client = await clientWith(statement(), deny)
  expect(await isLetThrough(client, 'UpdateWebhook', { webhookId, branchName: 'prod' })).toBe(false)
  expect(await isLetThrough(client, 'UpdateWebhook', { webhookId, description: 'x' })).toBe(true)
})

test('read-only learns no URL that starts builds', async () => {
  const client = api.client(await api.createKey({ policies: [readOnlyPolicy] }))
  for (const name of ['GetWebhook', 'ListWebhooks'] as const) {
    expect(await isLetThrough(client, name, await inputFor(api, name))).toBe(false)
  }
  expect(await isLetThrough(client, 'GetBranch', await inputFor(api, 'GetBranch'))).toBe(true)
})

test('a change of the policies counts from the next request on', async () => {
  const key = await keyWith()
  const isAllowed = () => isLetThrough(api.client(key), 'ListApps', {})
  expect(await isAllowed()).toBe(false)
  await changeAccessKey(api.services.database.queries, key.accessKeyId, { policies: [readOnlyPolicy] })
  expect(await isAllowed()).toBe(true)
})

test('deploy-only publishes to the branches of its app alone', async () => {
  const owner = await inputFor(api, 'CreateDeployment')
  const other = await inputFor(api, 'CreateDeployment')
  const client = api.client(await api.createKey({ policies: [deployOnlyPolicy(String(owner['appId']))] }))
  const { jobId } = await call(client, 'CreateDeployment', owner)
  for (const name of ['StartDeployment', 'GetJob', 'ListJobs'] as const)
    await call(client, name, { ...owner, jobId })
  expect(await isLetThrough(client, 'CreateDeployment', other)).toBe(false)
  for (const name of ['ListApps', 'DeleteApp', 'UpdateApp', 'UpdateBranch', 'DeleteJob'] as const) {
    expect(await isLetThrough(client, name, { ...owner, jobId })).toBe(false)
  }
})

describe('conditions', () => {
  test('on the tags of a request', async () => {
    const client = await onlyWhere({
      StringEquals: { 'aws:RequestTag/team': 'web' },
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
    })
    const create = (tags?: Record<string, string>) => isLetThrough(client, 'CreateApp', { name: 'app', tags })
    expect(await create({ team: 'web' })).toBe(true)
    expect(await create({ team: 'web', stage: 'test' })).toBe(true)
    expect(await create({ team: 'web', other: 'x' })).toBe(false)
    expect(await create({ team: 'ops' })).toBe(false)
    expect(await create()).toBe(false)
    const { resourceArn } = await inputFor(api, 'TagResource')
    expect(await isLetThrough(client, 'TagResource', { resourceArn, tags: { team: 'web' } })).toBe(true)
    expect(await isLetThrough(client, 'TagResource', { resourceArn, tags: { team: 'ops' } })).toBe(false)
  })

  test('on the keys of tags that are removed', async () => {
    const client = await onlyWhere({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] } })
    const { resourceArn } = await inputFor(api, 'UntagResource')
    const untag = (tagKeys: string[]) => isLetThrough(client, 'UntagResource', { resourceArn, tagKeys })
    expect(await untag(['team', 'stage'])).toBe(false)
    expect(await untag(['team'])).toBe(true)
  })

  test.each(['GetApp', 'GetBranch', 'GetDomainAssociation', 'GetWebhook'] as const)(
    'on the tags of the resource of %s, as they are now',
    async (name) => {
      const client = await onlyWhere({ StringEquals: { 'aws:ResourceTag/team': 'web' } })
      const input = await inputFor(api, name)
      const output = await call(api.client(), name, input)
      const [[kind, resource] = []] = Object.entries(output) as [string, Members][]
      const resourceArn = resource?.[`${kind}Arn`]
      const tag = (team: string) => call(api.client(), 'TagResource', { resourceArn, tags: { team } })
      expect(await isLetThrough(client, name, input)).toBe(false)
      await tag('web')
      expect(await isLetThrough(client, name, input)).toBe(true)
      await tag('ops')
      expect(await isLetThrough(client, name, input)).toBe(false)
    },
  )

  test('never see the tags of another account’s resource', async () => {
    const app = await inputFor(api, 'GetApp')
    await call(api.client(), 'TagResource', { resourceArn: appOf(app), tags: { team: 'web' } })
    const Condition = { StringEquals: { 'aws:ResourceTag/team': 'web' } }
    const policies = [{ Statement: [statement({ Condition })] }]
    const stranger = api.client(await api.createKey({ accountId: '111111111111', policies }))
    expect(await isLetThrough(stranger, 'GetApp', app)).toBe(false)
    expect(await isLetThrough(stranger, 'ListTagsForResource', { resourceArn: appOf(app) })).toBe(false)
  })

  test('on the address that the request comes from', async () => {
    const here = await onlyWhere({ IpAddress: { 'aws:SourceIp': ['127.0.0.0/8', '::1'] } })
    const elsewhere = await onlyWhere({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } })
    expect(await isLetThrough(here, 'ListApps', {})).toBe(true)
    expect(await isLetThrough(elsewhere, 'ListApps', {})).toBe(false)
  })

  test('on the time', async () => {
    const end = new Date(Date.now() + 5 * 60_000).toISOString()
    const client = await onlyWhere({ DateLessThan: { 'aws:CurrentTime': end } })
    expect(await isLetThrough(client, 'ListApps', {})).toBe(true)
    minutesLater = 10
    expect(await isLetThrough(client, 'ListApps', {})).toBe(false)
    minutesLater = 0
  })
})

async function callEndpoint(key: KeyPair, method: string, path: string): Promise<Response> {
  const { hostname, host, protocol } = new URL(api.url)
  const signer = new SignatureV4({
    service: 'amplify',
    region: 'us-east-1',
    credentials: key,
    sha256: Sha256,
  })
  const { headers } = await signer.sign({ method, protocol, hostname, path, headers: { host } })
  return fetch(`${api.url}${path}`, { method, headers })
}

describe('our own endpoints', () => {
  test.each(signedEndpoints.map(({ method, path }) => [method, path]))(
    '%s %s is refused, and let through by exactly its permission',
    async (method, path) => {
      const filled = path.replace(/\{(\w+)\}/g, (_whole, name: string) => String(nowhere[name]))
      const refused = await callEndpoint(await keyWith(), method, filled)
      expect([refused.status, refused.headers.get('x-amzn-errortype')]).toEqual([
        403,
        'AccessDeniedException',
      ])
      const { message } = (await refused.json()) as { message: string }
      const { action, resource } = readRefusal(message)
      const key = await keyWith(statement({ Action: action!, Resource: resource! }))
      expect((await callEndpoint(key, method, filled)).status).not.toBe(403)
    },
  )
})

const listingFailure = (credentials: KeyPair & { sessionToken?: string }) =>
  failureOf(api.client(credentials), 'ListApps', {})

describe('temporary credentials', () => {
  const sessionToken = newSessionToken()
  const createTemporary = (minutes: number) =>
    api.createKey({
      sessionToken: api.services.secrets.seal(sessionToken),
      expiresAt: Date.now() + minutes * 60_000,
    })
  test('work with their token, until their end', async () => {
    const key = { ...(await createTemporary(5)), sessionToken }
    await api.client(key).send(new ListAppsCommand({}))
    const { app } = await api.client(key).send(new CreateAppCommand({ name: 'app' }))
    await api.client(key).send(new GetAppCommand({ appId: app!.appId }))
    minutesLater = 6
    expect(await listingFailure(key)).toEqual({
      name: 'ExpiredTokenException',
      status: 403,
      message: 'The security token included in the request is expired',
    })
    minutesLater = 0
  })

  test('work in a presigned URL', async () => {
    const { hostname, port, host, protocol } = new URL(api.url)
    const presign = async (token?: string) => {
      const credentials = {
        ...(await createTemporary(5)),
        ...(token !== undefined && { sessionToken: token }),
      }
      const signer = new SignatureV4({ service: 'amplify', region: 'us-east-1', credentials, sha256: Sha256 })
      const request = {
        method: 'GET',
        protocol,
        hostname,
        port: Number(port),
        path: '/apps',
        headers: { host },
      }
      const { query = {} } = await signer.presign(request)
      const response = await fetch(`${api.url}/apps?${new URLSearchParams(query as Record<string, string>)}`)
      return [response.status, response.headers.get('x-amzn-errortype')]
    }
    expect(await presign(sessionToken)).toEqual([200, null])
    expect(await presign('wrong')).toEqual([403, 'UnrecognizedClientException'])
    expect(await presign()).toEqual([403, 'UnrecognizedClientException'])
  })

  test.each([
    ['no token', undefined],
    ['another token', newSessionToken()],
    ['a part of the token', sessionToken.slice(0, -4)],
  ])('are refused with %s', async (_name, token) => {
    const key = await createTemporary(5)
    expect(await listingFailure(token === undefined ? key : { ...key, sessionToken: token })).toEqual({
      name: 'UnrecognizedClientException',
      status: 403,
      message: 'The security token included in the request is invalid.',
    })
  })

  test('a permanent key that sends a token is told what to do', async () => {
    const refusal = await listingFailure({ ...api.key, sessionToken })
    expect(refusal).toMatchObject({ name: 'UnrecognizedClientException', status: 403 })
    expect(refusal?.message).toContain('unset AWS_SESSION_TOKEN')
  })

  test('a permanent key that is over is told so as ever', async () => {
    const key = await api.createKey({ expiresAt: Date.now() - 1 })
    expect(await listingFailure(key)).toMatchObject({ name: 'UnauthorizedException', status: 401 })
  })
})
