import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  type App,
  CreateAppCommand,
  type CreateAppCommandInput,
  CreateBranchCommand,
  DeleteAppCommand,
  GetAppCommand,
  ListAppsCommand,
  paginateListApps,
  UpdateAppCommand,
  type UpdateAppCommandInput,
} from '@aws-sdk/client-amplify'

import type { AppSecrets } from '../../src/model/settings.ts'
import { findApp } from '../../src/store/apps.ts'
import { startApi, type TestApi } from '../support/api.ts'

let api: TestApi
let client: AmplifyClient
let siteChanges = 0

beforeAll(async () => {
  api = await startApi({
    services: {
      fileRepositories: false,
      sitesChanged: async () => void siteChanges++,
    },
  })
  client = api.client()
})
afterAll(() => api.stop())

async function createApp(members: Partial<CreateAppCommandInput> = {}): Promise<App> {
  return (await client.send(new CreateAppCommand({ name: 'site', ...members }))).app!
}

async function updateApp(app: App, members: Omit<UpdateAppCommandInput, 'appId'>): Promise<App> {
  const updated = (await client.send(new UpdateAppCommand({ appId: app.appId, ...members }))).app!
  expect((await client.send(new GetAppCommand({ appId: app.appId }))).app).toEqual(updated)
  return updated
}

const refusal = (name: string, message: string) =>
  expect.objectContaining({ name, message: expect.stringContaining(message) as string })

/** A map of many keys, merged over and over. */
const mergeBomb = [
  `a: &a { ${Array.from({ length: 1500 }, (_key, at) => `k${at}: 1`).join(', ')} }`,
  ...Array.from({ length: 400 }, (_map, at) => `b${at}: { <<: [*a, *a] }`),
].join('\n')

/** Some 5 KiB each. */
const variables = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_variable, at) => [`V${at}`, 'v'.repeat(5000)]))

/** Some 4 KiB each. */
const rules = (count: number) =>
  Array.from({ length: count }, () => ({ source: '/a'.repeat(1000), target: '/b'.repeat(1000) }))

describe('CreateApp', () => {
  test('answers a bare app with the defaults, and without what was never set', async () => {
    const app = await createApp()
    expect(app.appId).toMatch(/^d[a-z0-9]{13}$/)
    expect(app).toEqual({
      appId: app.appId,
      appArn: `arn:aws:amplify:us-east-1:000000000000:apps/${app.appId}`,
      name: 'site',
      tags: {},
      description: '',
      repository: '',
      platform: 'WEB',
      createTime: app.createTime,
      updateTime: app.createTime,
      environmentVariables: {},
      defaultDomain: `${app.appId}.localhost:4780`,
      enableBranchAutoBuild: false,
      enableBranchAutoDeletion: false,
      enableBasicAuth: false,
      customRules: [],
      customHeaders: '',
      enableAutoBranchCreation: false,
      cacheConfig: { type: 'AMPLIFY_MANAGED' },
      jobConfig: { buildComputeType: 'STANDARD_8GB' },
    })
    expect((await client.send(new GetAppCommand({ appId: app.appId }))).app).toEqual(app)
  })

  test('answers every member as it was sent, but for tokens', async () => {
    const sent = {
      description: 'a site',
      repository: 'https://git.example/site.git',
      platform: 'WEB_COMPUTE',
      computeRoleArn: 'arn:aws:iam::000000000000:role/compute',
      iamServiceRoleArn: 'arn:aws:iam::000000000000:role/service',
      environmentVariables: { A: '1' },
      enableBranchAutoBuild: true,
      enableBranchAutoDeletion: true,
      enableBasicAuth: true,
      basicAuthCredentials: 'dXNlcjpwYXNz',
      customRules: [
        { source: '/a', target: '/b' },
        { source: '/<*>', target: '/index.html', status: '404-200', condition: '<US>' },
      ],
      tags: { team: 'web' },
      buildSpec: 'version: 1',
      customHeaders: 'customHeaders:\n  - pattern: "**"\n    headers: []\n',
      enableAutoBranchCreation: true,
      autoBranchCreationPatterns: ['feature/*'],
      jobConfig: { buildComputeType: 'LARGE_16GB' },
      cacheConfig: { type: 'AMPLIFY_MANAGED_NO_COOKIES' },
    } satisfies Partial<CreateAppCommandInput>
    const app = await createApp({ ...sent, accessToken: 'secret-1', oauthToken: 'secret-2' })
    expect(app).toMatchObject({ ...sent, repositoryCloneMethod: 'TOKEN' })
    expect(JSON.stringify(app)).not.toContain('secret-')
  })

  test('fills patterns and configuration when branches are to be created', async () => {
    const app = await createApp({ enableAutoBranchCreation: true })
    expect(app.autoBranchCreationPatterns).toEqual(['*', '*/**'])
    expect(app.autoBranchCreationConfig).toEqual({
      stage: 'NONE' as never,
      enableAutoBuild: false,
      enableBasicAuth: false,
      enablePerformanceMode: false,
      enablePullRequestPreview: false,
    })
  })

  test('keeps secrets off the disk in the clear', async () => {
    const { appId } = await createApp({
      accessToken: 'token-in-clear',
      basicAuthCredentials: 'basic-in-clear',
      autoBranchCreationConfig: { basicAuthCredentials: 'auto-in-clear' },
    })
    const row = await api.services.database.queries
      .selectFrom('apps')
      .selectAll()
      .where('appId', '=', appId!)
      .executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain('in-clear')
    const { app } = await client.send(new GetAppCommand({ appId }))
    expect(app!.basicAuthCredentials).toBe('basic-in-clear')
    expect(app!.autoBranchCreationConfig!.basicAuthCredentials).toBe('auto-in-clear')
  })

  test.each([
    [{ environmentVariables: { '': 'x' } }, 'Environment variables cannot have an empty key.'],
    [{ environmentVariables: { ' ': 'x' } }, 'Environment variables cannot have an empty key.'],
    [
      { environmentVariables: { AWS_REGION: 'x' } },
      'Environment variables cannot start with the reserved prefix "AWS".',
    ],
    [{ environmentVariables: { 'A=B': 'x' } }, 'cannot have a key with "="'],
    [
      { customHeaders: '- a' },
      'Invalid spec, yaml parsing error: Invalid spec, top level must be key value pairs',
    ],
    [{ customHeaders: 'a: [' }, 'Invalid spec, yaml parsing error: unexpected end'],
    [{ customHeaders: '['.repeat(20_000) }, 'Invalid spec, yaml parsing error: nesting'],
    [{ customHeaders: mergeBomb }, 'Invalid spec, yaml parsing error: merge keys exceeded'],
    [{ customRules: [{ source: '/a', target: '/b', status: '500' }] }, 'The status "500"'],
    [{ repository: 'ext::sh -c id' }, 'Repository provider not supported.'],
    [{ repository: '--upload-pack=id' }, 'Repository provider not supported.'],
    [{ repository: 'file:///etc' }, 'Repository provider not supported.'],
    [{ repository: '/etc' }, 'Repository provider not supported.'],
    [{ repository: 'https://user:pass@git.example/a.git' }, 'must not hold a user name or password'],
  ])('refuses %j', async (members, message) => {
    await expect(createApp(members as never)).rejects.toEqual(refusal('BadRequestException', message))
  })

  test.each([
    [51, 1, '51 patterns of 51 characters'],
    [3, 2000, '3 patterns of 6000 characters'],
  ])('refuses %d branch patterns of %d characters', async (count, length, message) => {
    const autoBranchCreationPatterns = Array<string>(count).fill('a'.repeat(length))
    await expect(createApp({ autoBranchCreationPatterns })).rejects.toEqual(
      refusal(
        'BadRequestException',
        `autoBranchCreationPatterns has ${message} together. Use 50 patterns and`,
      ),
    )
  })

  test.each([
    ['environmentVariables', { environmentVariables: variables(20) }],
    [
      'autoBranchCreationConfig.environmentVariables',
      { autoBranchCreationConfig: { environmentVariables: variables(20) } },
    ],
    ['customRules', { environmentVariables: variables(10), customRules: rules(60) }],
  ])('refuses %s that are too large for a list, and leaves what was', async (member, members) => {
    const message = new RegExp(`(^${member} has|bytes as JSON, [0-9]+ of them in ${member}\\.)`)
    const refused = { name: 'BadRequestException', message: expect.stringMatching(message) as string }
    await expect(createApp(members)).rejects.toMatchObject(refused)
    const app = await createApp({ environmentVariables: variables(10), customRules: rules(10) })
    await expect(updateApp(app, members)).rejects.toMatchObject(refused)
    expect((await client.send(new GetAppCommand({ appId: app.appId }))).app).toEqual(app)
  })

  test.each(['https://git.example/a.git', 'ssh://git@git.example/a.git', 'git@git.example:team/a.git'])(
    'takes the repository %s without a token',
    async (repository) => {
      expect((await createApp({ repository })).repository).toBe(repository)
    },
  )
})

describe('UpdateApp', () => {
  test('leaves what is absent, and what cannot be cleared', async () => {
    const app = await createApp({
      description: 'd',
      iamServiceRoleArn: 'arn:aws:iam::000000000000:role/a',
      buildSpec: 'version: 1',
      basicAuthCredentials: 'dTpw',
      environmentVariables: { A: '1' },
      enableAutoBranchCreation: true,
      autoBranchCreationPatterns: ['x'],
    })
    const updated = await updateApp(app, {
      description: '',
      iamServiceRoleArn: '',
      buildSpec: '',
      basicAuthCredentials: '',
      environmentVariables: {},
      autoBranchCreationPatterns: [],
      enableAutoBranchCreation: false,
    })
    expect(updated).toEqual({ ...app, enableAutoBranchCreation: false, updateTime: updated.updateTime })
  })

  test.each([
    ['https://git.example/b.git', 'secret-1'],
    ['https://other.example/a.git', undefined],
    ['http://git.example/a.git', undefined],
    ['ssh://git@git.example/a.git', undefined],
  ])('to the repository %s sends the token %p there', async (repository, expected) => {
    const app = await createApp({ repository: 'https://git.example/a.git', accessToken: 'secret-1' })
    await updateApp(app, { repository })
    const { queries } = api.services.database
    const row = await findApp(queries, { accountId: '000000000000', region: 'us-east-1' }, app.appId!)
    expect(api.services.secrets.open<AppSecrets>(row!.secrets!).accessToken).toBe(expected)
    await updateApp(app, { repository: 'https://third.example/', accessToken: 'secret-2' })
    const moved = await findApp(queries, { accountId: '000000000000', region: 'us-east-1' }, app.appId!)
    expect(api.services.secrets.open<AppSecrets>(moved!.secrets!).accessToken).toBe('secret-2')
  })

  test('clears roles, rules and headers by what is empty', async () => {
    const app = await createApp({
      computeRoleArn: 'arn:aws:iam::000000000000:role/a',
      customRules: [{ source: '/a', target: '/b', status: '301' }],
      customHeaders: 'customHeaders: []',
    })
    const updated = await updateApp(app, { computeRoleArn: '', customRules: [], customHeaders: '' })
    expect(updated).toMatchObject({ customRules: [], customHeaders: '' })
    expect(updated.computeRoleArn).toBeUndefined()
  })

  test.each([{ '': '' }, { ' ': '' }])('clears variables by %j', async (sentinel) => {
    const environmentVariables = { A: '1' }
    const app = await createApp({
      environmentVariables,
      autoBranchCreationConfig: { environmentVariables, enableAutoBuild: true },
    })
    const updated = await updateApp(app, {
      environmentVariables: sentinel,
      autoBranchCreationConfig: { environmentVariables: sentinel, enableAutoBuild: true },
    })
    expect(updated.environmentVariables).toEqual({})
    expect(updated.autoBranchCreationConfig!.environmentVariables).toEqual({})
    expect(updated.autoBranchCreationConfig!.enableAutoBuild).toBe(true)
  })

  test('replaces all variables by those that are sent', async () => {
    const app = await createApp({ environmentVariables: { A: '1', B: '2' } })
    expect((await updateApp(app, { environmentVariables: { C: '3' } })).environmentVariables).toEqual({
      C: '3',
    })
  })

  test('connects a repository only while there are no branches', async () => {
    const app = await createApp()
    await client.send(new CreateBranchCommand({ appId: app.appId, branchName: 'main' }))
    const repository = 'https://git.example/a.git'
    await expect(updateApp(app, { repository })).rejects.toEqual(
      refusal('BadRequestException', 'Cannot connect your app to repository while manually deployed branch'),
    )
    expect((await updateApp(await createApp(), { repository })).repository).toBe(repository)
  })

  test('lets none of many updates at once be lost', async () => {
    const app = await createApp()
    await Promise.all([
      client.send(new UpdateAppCommand({ appId: app.appId, name: 'other' })),
      client.send(new UpdateAppCommand({ appId: app.appId, description: 'd' })),
      client.send(new UpdateAppCommand({ appId: app.appId, buildSpec: 'version: 1' })),
    ])
    const found = (await client.send(new GetAppCommand({ appId: app.appId }))).app
    expect(found).toMatchObject({ name: 'other', description: 'd', buildSpec: 'version: 1' })
  })
})

test('shows the production branch once a branch has that stage', async () => {
  const app = await createApp()
  const { appId } = app
  const environmentVariables = { stage: 'PRODUCTION' }
  await client.send(new CreateBranchCommand({ appId, branchName: 'dev', environmentVariables }))
  expect((await client.send(new GetAppCommand({ appId }))).app!.productionBranch).toBeUndefined()
  await client.send(new CreateBranchCommand({ appId, branchName: 'main', stage: 'PRODUCTION' }))
  expect((await client.send(new GetAppCommand({ appId }))).app!.productionBranch).toEqual({
    branchName: 'main',
  })
})

test('DeleteApp answers the app, takes its sites down and leaves nothing', async () => {
  const app = await createApp()
  await client.send(new CreateBranchCommand({ appId: app.appId, branchName: 'main' }))
  const before = siteChanges
  expect((await client.send(new DeleteAppCommand({ appId: app.appId }))).app).toEqual(app)
  expect(siteChanges).toBe(before + 1)
  const notFound = refusal('NotFoundException', `App ${app.appId} not found.`)
  await expect(client.send(new GetAppCommand({ appId: app.appId }))).rejects.toEqual(notFound)
  await expect(client.send(new DeleteAppCommand({ appId: app.appId }))).rejects.toEqual(notFound)
})

describe('ListApps', () => {
  test('pages stay right while apps come and go', async () => {
    const account = api.client(await api.createKey({ accountId: '222222222222' }))
    const create = async (name: string) => (await account.send(new CreateAppCommand({ name }))).app!
    const apps = [await create('a'), await create('b'), await create('c'), await create('d')]
    const seen: (string | undefined)[] = []
    for await (const page of paginateListApps({ client: account, pageSize: 2 }, {})) {
      seen.push(...page.apps!.map((app) => app.appId))
      if (seen.length > 2) continue
      await account.send(new DeleteAppCommand({ appId: seen[1] }))
      await account.send(new DeleteAppCommand({ appId: seen[0] }))
    }
    expect(new Set(seen)).toEqual(new Set(apps.map((app) => app.appId)))
  })

  test('pages of large apps are shorter, and lack none', async () => {
    const account = api.client(await api.createKey({ accountId: '444444444444' }))
    const customRules = rules(60)
    const names = Array.from({ length: 10 }, (_name, at) => `large-${at}`)
    for (const name of names) await account.send(new CreateAppCommand({ name, customRules }))
    const pages: (string | undefined)[][] = []
    for await (const page of paginateListApps({ client: account }, {}))
      pages.push(page.apps!.map(({ name }) => name))
    expect(pages.map(({ length }) => length)).toEqual([8, 2])
    expect(new Set(pages.flat())).toEqual(new Set(names))
  })

  test('refuses a token of another account', async () => {
    await createApp()
    await createApp()
    const { nextToken } = await client.send(new ListAppsCommand({ maxResults: 1 }))
    const stranger = api.client(await api.createKey({ accountId: '333333333333' }))
    await expect(stranger.send(new ListAppsCommand({ nextToken }))).rejects.toEqual(
      refusal('BadRequestException', 'nextToken'),
    )
  })
})
