import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  CreateDomainAssociationCommand,
  CreateWebhookCommand,
  DeleteAppCommand,
  GetAppCommand,
  GetBranchCommand,
  ListTagsForResourceCommand,
  ResourceNotFoundException,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-amplify'

import { startApi, type TestApi } from '../support/api.ts'

let api: TestApi
let client: AmplifyClient
let appId: string
let arns: Record<'app' | 'branch' | 'domain' | 'webhook', string>

beforeAll(async () => {
  api = await startApi()
  client = api.client()
})
beforeEach(async () => {
  const { app } = await client.send(new CreateAppCommand({ name: 'site' }))
  appId = app!.appId!
  const address = { appId, branchName: 'feature/x' }
  const { branch } = await client.send(new CreateBranchCommand(address))
  const { domainAssociation } = await client.send(
    new CreateDomainAssociationCommand({ appId, domainName: `${appId}.example`, subDomainSettings: [] }),
  )
  const { webhook } = await client.send(new CreateWebhookCommand(address))
  arns = {
    app: app!.appArn!,
    branch: branch!.branchArn!,
    domain: domainAssociation!.domainAssociationArn!,
    webhook: webhook!.webhookArn!,
  }
})
afterAll(() => api.stop())

const tag = (resourceArn: string, tags: Record<string, string>) =>
  client.send(new TagResourceCommand({ resourceArn, tags }))
const untag = (resourceArn: string, tagKeys: string[]) =>
  client.send(new UntagResourceCommand({ resourceArn, tagKeys }))
const tagsOf = async (resourceArn: string) =>
  (await client.send(new ListTagsForResourceCommand({ resourceArn }))).tags

const numbered = (count: number, from = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${from + index}`, 'v']))

test.each(['app', 'branch', 'domain', 'webhook'] as const)('the tags of a %s', async (kind) => {
  const resourceArn = arns[kind]
  expect(await tagsOf(resourceArn)).toEqual({})
  await tag(resourceArn, { a: '1', 'b:/<,9': 'Grüße und mehr' })
  await tag(resourceArn, { a: '2', c: '' })
  expect(await tagsOf(resourceArn)).toEqual({ a: '2', 'b:/<,9': 'Grüße und mehr', c: '' })
  await untag(resourceArn, ['a', 'c', 'never-there'])
  expect(await tagsOf(resourceArn)).toEqual({ 'b:/<,9': 'Grüße und mehr' })
})

test('GetApp and GetBranch show them, and nothing else changes', async () => {
  const before = await client.send(new GetAppCommand({ appId }))
  await tag(arns.app, { of: 'app' })
  await tag(arns.branch, { of: 'branch' })
  const after = await client.send(new GetAppCommand({ appId }))
  expect(after.app).toEqual({ ...before.app!, tags: { of: 'app' } })
  const { branch } = await client.send(new GetBranchCommand({ appId, branchName: 'feature/x' }))
  expect(branch!.tags).toEqual({ of: 'branch' })
})

test('calls at once lose no tag', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, index) => tag(arns.branch, { [`k${index}`]: 'v' })))
  expect(await tagsOf(arns.branch)).toEqual(numbered(20))
})

describe('the bounds', () => {
  test('50 tags after the merge', async () => {
    await tag(arns.app, numbered(49))
    await expect(tag(arns.app, numbered(2, 49))).rejects.toMatchObject({
      name: 'BadRequestException',
      message: expect.stringContaining('would have 51 tags, and may have 50') as string,
    })
    expect(await tagsOf(arns.app)).toEqual(numbered(49))
    await tag(arns.app, numbered(2, 48))
    expect(await tagsOf(arns.app)).toEqual(numbered(50))
  })

  test.each([{ 'aws:mine': 'v' }, { 'with space': 'v' }, { 'a@b': 'v' }, { a: 'v'.repeat(257) }, { a: '<' }])(
    'of %j',
    async (tags) => {
      await expect(tag(arns.app, tags)).rejects.toMatchObject({ name: 'BadRequestException' })
    },
  )
})

describe('ResourceNotFoundException', () => {
  const elsewhere: [what: string, arn: () => string][] = [
    ['a missing app', () => arns.app.replace(appId, 'dnone')],
    ['a missing branch', () => `${arns.app}/branches/none`],
    ['a missing webhook', () => `${arns.app}/webhooks/none`],
    ['a webhook under another app', () => arns.webhook.replace(appId, 'dnone')],
    ['a missing domain', () => `${arns.app}/domains/none.example`],
    ['a job', () => `${arns.branch}/jobs/0000000001`],
    ['a backend environment', () => `${arns.app}/backendenvironments/prod`],
    ['another account', () => arns.app.replace('000000000000', '111111111111')],
    ['another region', () => arns.app.replace('us-east-1', 'eu-central-1')],
    ['no resource at all', () => 'arn:aws:amplify:'],
  ]

  test.each(elsewhere)('for the ARN of %s', async (_what, arn) => {
    const resourceArn = arn()
    for (const call of [tag(resourceArn, { a: 'b' }), untag(resourceArn, ['a']), tagsOf(resourceArn)]) {
      const error = await call.then(
        () => expect.unreachable('it succeeded'),
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(ResourceNotFoundException)
      expect(error).toMatchObject({
        code: 'ResourceNotFoundException',
        message: expect.stringContaining(`Resource ${resourceArn} not found.`) as string,
      })
    }
  })

  test('after the app is deleted', async () => {
    await client.send(new DeleteAppCommand({ appId }))
    for (const arn of Object.values(arns)) {
      await expect(tagsOf(arn)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    }
  })
})
