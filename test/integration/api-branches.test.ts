import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  type Branch,
  CreateAppCommand,
  CreateBranchCommand,
  type CreateBranchCommandInput,
  DeleteBranchCommand,
  GetBranchCommand,
  ListBranchesCommand,
  paginateListBranches,
  UpdateBranchCommand,
  type UpdateBranchCommandInput,
} from '@aws-sdk/client-amplify'

import { startApi, type TestApi } from '../support/api.ts'

let api: TestApi
let client: AmplifyClient
let appId: string
let changes: string[] = []

beforeAll(async () => {
  api = await startApi({
    services: {
      jobsChanged: () => void changes.push('jobs'),
      sitesChanged: async () => void changes.push('sites'),
    },
  })
  client = api.client()
})
beforeEach(async () => {
  appId = (await client.send(new CreateAppCommand({ name: 'site' }))).app!.appId!
  changes = []
})
afterAll(() => api.stop())

async function create(branchName: string, members: Partial<CreateBranchCommandInput> = {}): Promise<Branch> {
  return (await client.send(new CreateBranchCommand({ appId, branchName, ...members }))).branch!
}

async function update(branchName: string, members: Partial<UpdateBranchCommandInput>): Promise<Branch> {
  const updated = (await client.send(new UpdateBranchCommand({ appId, branchName, ...members }))).branch!
  expect((await client.send(new GetBranchCommand({ appId, branchName }))).branch).toEqual(updated)
  return updated
}

const badRequest = (message: string) =>
  expect.objectContaining({
    name: 'BadRequestException',
    message: expect.stringContaining(message) as string,
  })

describe('CreateBranch', () => {
  test('answers a bare branch with the defaults', async () => {
    const branch = await create('feature/My_Branch')
    expect(branch).toEqual({
      branchArn: `arn:aws:amplify:us-east-1:000000000000:apps/${appId}/branches/feature/My_Branch`,
      branchName: 'feature/My_Branch',
      description: '',
      tags: {},
      stage: 'NONE' as never,
      displayName: 'feature-my-branch',
      enableNotification: false,
      createTime: branch.createTime,
      updateTime: branch.createTime,
      environmentVariables: {},
      enableAutoBuild: true,
      enableSkewProtection: false,
      customDomains: [],
      framework: '',
      activeJobId: '',
      totalNumberOfJobs: '0',
      enableBasicAuth: false,
      enablePerformanceMode: false,
      ttl: '5',
      enablePullRequestPreview: false,
      backend: {},
    })
    const branchName = 'feature/My_Branch'
    expect((await client.send(new GetBranchCommand({ appId, branchName }))).branch).toEqual(branch)
  })

  test('answers every member as it was sent', async () => {
    const sent = {
      description: 'd',
      stage: 'BETA',
      framework: 'Next.js - SSR',
      enableNotification: true,
      enableAutoBuild: false,
      enableSkewProtection: true,
      environmentVariables: { A: '1' },
      basicAuthCredentials: 'dTpw',
      enableBasicAuth: true,
      enablePerformanceMode: true,
      tags: { a: 'b' },
      buildSpec: 'version: 1',
      ttl: '10',
      displayName: 'shown',
      enablePullRequestPreview: true,
      pullRequestEnvironmentName: 'pr',
      backendEnvironmentArn: 'arn:aws:amplify:us-east-1:000000000000:apps/d1/backendenvironments/dev',
      backend: { stackArn: 'arn:aws:cloudformation:us-east-1:000000000000:stack/a/b' },
      computeRoleArn: 'arn:aws:iam::000000000000:role/a',
    } satisfies Partial<CreateBranchCommandInput>
    expect(await create('main', sent)).toMatchObject(sent)
  })

  test('refuses a name twice, also from calls at once', async () => {
    const results = await Promise.allSettled([create('main'), create('main'), create('main')])
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
    await expect(create('main')).rejects.toEqual(
      badRequest(`Failed to create branch. The branch main already exists for the app ${appId}`),
    )
  })

  test('refuses a display name that another branch has', async () => {
    await create('foo/bar')
    await expect(create('foo-bar')).rejects.toEqual(
      badRequest('The display name foo-bar is already used by the branch foo/bar'),
    )
    expect((await create('foo-bar', { displayName: 'other' })).displayName).toBe('other')
  })

  test.each(['Upper', 'a.b', '-a', 'a-', 'a/b', 'ü', 'a'.repeat(64)])(
    'refuses the display name %s, which no host can have',
    async (displayName) => {
      await expect(create('main', { displayName })).rejects.toEqual(badRequest('displayName'))
    },
  )

  test.each(['.', '..'])('refuses the name %s, which no URL can hold', async (name) => {
    await expect(create(name)).rejects.toEqual(badRequest(`cannot be called ${name}`))
  })

  test('says NotFound for an unknown app', async () => {
    const command = new CreateBranchCommand({ appId: 'dunknown', branchName: 'main' })
    await expect(client.send(command)).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'App dunknown not found.',
    })
  })
})

describe('UpdateBranch', () => {
  test('clears by empty members what Terraform clears so', async () => {
    await create('main', {
      description: 'd',
      framework: 'f',
      pullRequestEnvironmentName: 'pr',
      ttl: '10',
      displayName: 'shown',
      backendEnvironmentArn: 'arn:x',
      environmentVariables: { A: '1' },
      stage: 'BETA',
      basicAuthCredentials: 'dTpw',
      buildSpec: 'version: 1',
    })
    const updated = await update('main', {
      description: '',
      framework: '',
      pullRequestEnvironmentName: '',
      ttl: '',
      displayName: '',
      backendEnvironmentArn: '',
      environmentVariables: { '': '' },
      stage: 'NONE' as never,
      basicAuthCredentials: '',
      buildSpec: '',
    })
    expect(updated).toMatchObject({
      description: '',
      framework: '',
      ttl: '5',
      displayName: 'main',
      environmentVariables: {},
      stage: 'BETA',
      basicAuthCredentials: 'dTpw',
      buildSpec: 'version: 1',
    })
    expect(updated.pullRequestEnvironmentName).toBeUndefined()
    expect(updated.backendEnvironmentArn).toBeUndefined()
  })

  test('changes only what is sent, and shows a new name before it answers', async () => {
    const branch = await create('main', { description: 'd', environmentVariables: { A: '1' } })
    const updated = await update('main', { displayName: 'new', environmentVariables: {} })
    expect(updated).toEqual({ ...branch, displayName: 'new', updateTime: updated.updateTime })
    expect(changes).toEqual(['sites'])
  })

  test('refuses the display name of another branch', async () => {
    await create('a')
    await create('b')
    await expect(update('b', { displayName: 'a' })).rejects.toEqual(
      badRequest('already used by the branch a'),
    )
  })
})

test('DeleteBranch answers the branch, stops its work and takes its site down', async () => {
  const branch = await create('a/b')
  changes = []
  const key = { appId, branchName: 'a/b' }
  expect((await client.send(new DeleteBranchCommand(key))).branch).toEqual(branch)
  expect(changes).toEqual(['jobs', 'sites'])
  await expect(client.send(new GetBranchCommand(key))).rejects.toMatchObject({
    name: 'NotFoundException',
    message: 'Branch a/b not found.',
  })
  await create('a/b')
})

const longVariables = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_variable, at) => [`V${at}`, 'v'.repeat(5000)]))

test('settings that are too large for a list are refused', async () => {
  const refused = {
    name: 'BadRequestException',
    message: expect.stringMatching(/^environmentVariables has [0-9]+ bytes as JSON/) as string,
  }
  const tooLong = { environmentVariables: longVariables(20) }
  await expect(create('main', tooLong)).rejects.toMatchObject(refused)
  await create('main', { environmentVariables: longVariables(10) })
  await expect(update('main', tooLong)).rejects.toMatchObject(refused)
})

test('ListBranches pages, also while branches go', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name)
  const seen: (string | undefined)[] = []
  for await (const page of paginateListBranches({ client, pageSize: 2 }, { appId })) {
    seen.push(...page.branches!.map((branch) => branch.branchName))
    if (seen.length === 2) await client.send(new DeleteBranchCommand({ appId, branchName: seen[1] }))
  }
  expect(new Set(seen)).toEqual(new Set(['a', 'b', 'c', 'd', 'e']))
  const all = await client.send(new ListBranchesCommand({ appId, maxResults: 100 }))
  expect(all.branches).toHaveLength(4)
  expect(all.nextToken).toBeUndefined()
})
