import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  type BackendEnvironment,
  CreateAppCommand,
  CreateBackendEnvironmentCommand,
  type CreateBackendEnvironmentCommandInput,
  CreateBranchCommand,
  DeleteAppCommand,
  DeleteBackendEnvironmentCommand,
  GetBackendEnvironmentCommand,
  GetBranchCommand,
  ListBackendEnvironmentsCommand,
  type ListBackendEnvironmentsCommandInput,
} from '@aws-sdk/client-amplify'

import { startApi, type TestApi } from '../support/api.ts'
import { walkPages } from '../support/pages.ts'

let api: TestApi
let client: AmplifyClient
let appId: string

beforeAll(async () => {
  api = await startApi()
  client = api.client()
})
beforeEach(async () => {
  appId = (await client.send(new CreateAppCommand({ name: 'My Shop 🌍 and more' }))).app!.appId!
})
afterAll(() => api.stop())

async function create(
  environmentName: string,
  members: Partial<CreateBackendEnvironmentCommandInput> = {},
): Promise<BackendEnvironment> {
  const command = new CreateBackendEnvironmentCommand({ appId, environmentName, ...members })
  return (await client.send(command)).backendEnvironment!
}

const get = async (environmentName: string) =>
  (await client.send(new GetBackendEnvironmentCommand({ appId, environmentName }))).backendEnvironment

const remove = (environmentName: string) =>
  client.send(new DeleteBackendEnvironmentCommand({ appId, environmentName }))

const list = (members: Partial<ListBackendEnvironmentsCommandInput> = {}) =>
  client.send(new ListBackendEnvironmentsCommand({ appId, ...members }))

const notFound = (message: string) => expect.objectContaining({ name: 'NotFoundException', message })
const badRequest = (message: string) => expect.objectContaining({ name: 'BadRequestException', message })

describe('CreateBackendEnvironment', () => {
  test('names stack and artifacts after app, environment and time', async () => {
    const environment = await create('prod')
    const time = environment.createTime!.toISOString().slice(11, 19).replaceAll(':', '')
    expect(environment).toEqual({
      backendEnvironmentArn: `arn:aws:amplify:us-east-1:000000000000:apps/${appId}/backendenvironments/prod`,
      environmentName: 'prod',
      stackName: `amplify-My Shop 🌍 an-prod-${time}`,
      deploymentArtifacts: `my shop 🌍 an-prod-${time}-deployment`,
      createTime: environment.createTime,
      updateTime: environment.createTime,
    })
    expect(await get('prod')).toEqual(environment)
  })

  test('keeps the names that are sent', async () => {
    const names = { stackName: 'a-stack', deploymentArtifacts: 'some-artifacts' }
    expect(await create('prod', names)).toMatchObject(names)
    expect(await get('prod')).toMatchObject(names)
  })

  test.each(['a', 'elevenchars', 'Prod', 'prod1', 'pro d', 'prod\n', 'größe'])(
    'refuses the name %j in the words of AWS',
    async (environmentName) => {
      await expect(create(environmentName)).rejects.toEqual(
        badRequest(
          `Failed to create backend environment.The environment name ${environmentName} is invalid. Environment name should be between 2 and 10 characters (only lowercase alphabets).`,
        ),
      )
    },
  )

  test.each(['qa', 'tencharsxx'])('takes the name %s', async (environmentName) => {
    expect(await create(environmentName)).toMatchObject({ environmentName })
  })

  test('refuses a second one of the same name', async () => {
    const [, second] = await Promise.allSettled([create('prod'), create('prod')])
    expect(second).toMatchObject({
      status: 'rejected',
      reason: badRequest(
        `Failed to create backend environment. The backend environment prod already exists for the app ${appId}`,
      ) as Error,
    })
    await expect(create('prod', { appId: 'dnone' })).rejects.toEqual(notFound('App dnone not found.'))
  })
})

test('DeleteBackendEnvironment answers the environment as it was', async () => {
  const environment = await create('prod')
  expect((await remove('prod')).backendEnvironment).toEqual(environment)
  await expect(remove('prod')).rejects.toEqual(notFound('Backend environment prod not found.'))
  await expect(get('prod')).rejects.toEqual(notFound('Backend environment prod not found.'))
})

test('DeleteApp takes environments along', async () => {
  await create('prod')
  await client.send(new DeleteAppCommand({ appId }))
  await expect(get('prod')).rejects.toEqual(notFound(`App ${appId} not found.`))
  const { queries } = api.services.database
  const rows = await queries
    .selectFrom('backendEnvironments')
    .selectAll()
    .where('appId', '=', appId)
    .execute()
  expect(rows).toEqual([])
})

describe('ListBackendEnvironments', () => {
  test('pages, also while environments go', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(2))
    for (const name of names) await create(name)
    const seen: (string | undefined)[] = []
    for await (const page of walkPages((token) => list({ maxResults: 2, ...token }))) {
      seen.push(...page.backendEnvironments!.map(({ environmentName }) => environmentName))
      if (seen.length === 2) await remove(seen[1]!)
    }
    expect(seen).toEqual(names)
  })

  test('finds one by its name', async () => {
    await create('aa')
    const environment = await create('bb')
    expect(await list({ environmentName: 'bb' })).toMatchObject({ backendEnvironments: [environment] })
    const none = await list({ environmentName: 'zz', maxResults: 1 })
    expect(none.backendEnvironments).toEqual([])
    const { nextToken } = await list({ maxResults: 1 })
    await expect(list({ environmentName: 'bb', nextToken })).rejects.toMatchObject({
      name: 'BadRequestException',
    })
  })
})

test('a branch names the environment of its backend', async () => {
  const { backendEnvironmentArn } = await create('prod')
  const branch = { appId, branchName: 'main' }
  await client.send(new CreateBranchCommand({ ...branch, backendEnvironmentArn }))
  expect((await client.send(new GetBranchCommand(branch))).branch).toMatchObject({ backendEnvironmentArn })
})
