import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import type { AmplifyClient } from '@aws-sdk/client-amplify'

import { quotaPresets } from '../../src/model/quotas.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { call, failureOf, type Members } from '../support/contract.ts'

/** The quotas of AWS (contract/hosting-behaviour.md §8.5), met by AWS's client. */

const hourMilliseconds = 3600 * 1000
const started = Date.now()
let elapsed = 0
let api: TestApi
beforeAll(async () => {
  api = await startApi({ services: { quotas: quotaPresets.aws, now: () => Date.now() + elapsed } })
})
afterAll(() => api.stop())

let accounts = 0
/** A client of an account that has nothing yet. */
async function newAccount(): Promise<AmplifyClient> {
  const accountId = String(100_000_000_000 + accounts++)
  return api.client(await api.createKey({ accountId }))
}

async function newApp(client: AmplifyClient): Promise<string> {
  const { app } = (await call(client, 'CreateApp', { name: 'app' })) as { app: { appId: string } }
  return app.appId
}

/** How many of these calls made something, and the messages of the others, which all were LimitExceeded. */
async function outcomes(
  client: AmplifyClient,
  name: Parameters<typeof call>[1],
  inputs: Members[],
): Promise<{ made: number; refusals: string[] }> {
  const failures = await Promise.all(inputs.map((input) => failureOf(client, name, input)))
  const refused = failures.filter((failure) => failure !== undefined)
  for (const failure of refused) {
    expect(failure).toMatchObject({ name: 'LimitExceededException', status: 429 })
  }
  return {
    made: failures.length - refused.length,
    refusals: [...new Set(refused.map(({ message }) => message))],
  }
}

/** A name of letters alone, another for each number. */
const letters = (index: number) =>
  String(1000 + index).replace(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)))

const many = (count: number, input: (index: number) => Members) =>
  Array.from({ length: count }, (_each, index) => input(index))

describe('apps', () => {
  const tooMany = 'Failed to create app. You have reached the maximum number of apps in this account.'

  test('of an account are 25, however many are asked for at once', async () => {
    const client = await newAccount()
    const inputs = many(30, (index) => ({ name: `app ${index}` }))
    expect(await outcomes(client, 'CreateApp', inputs)).toEqual({ made: 25, refusals: [tooMany] })
    expect((await call(client, 'ListApps', { maxResults: 100 }))['apps']).toHaveLength(25)
    expect(await failureOf(await newAccount(), 'CreateApp', { name: 'app' })).toBeUndefined()
  })

  test('of all regions are counted together, as are their creations', async () => {
    const key = await api.createKey({ accountId: '200000000000' })
    const [here, elsewhere] = [api.client(key), api.client(key, 'nowhere-99')]
    const appId = await newApp(here)
    expect(
      (
        await outcomes(
          elsewhere,
          'CreateApp',
          many(25, () => ({ name: 'app' })),
        )
      ).made,
    ).toBe(24)
    await call(here, 'DeleteApp', { appId })
    expect((await outcomes(elsewhere, 'CreateApp', [{ name: 'app' }])).refusals[0]).toContain('per hour')
  })

  test('may be created 25 times an hour, those that are deleted again counted', async () => {
    const client = await newAccount()
    for (let turn = 0; turn < 25; turn++) await call(client, 'DeleteApp', { appId: await newApp(client) })
    expect(await outcomes(client, 'CreateApp', [{ name: 'app' }])).toEqual({
      made: 0,
      refusals: [
        'Failed to create app. You have reached the maximum number of app creations per hour in this account.',
      ],
    })
    elapsed = hourMilliseconds + Date.now() - started
    client.config.systemClockOffset = elapsed
    expect(await failureOf(client, 'CreateApp', { name: 'app' })).toBeUndefined()
    elapsed = 0
  })
})

describe('of an app', () => {
  test('branches are 50, and one that is deleted makes room for another', async () => {
    const client = await newAccount()
    const appId = await newApp(client)
    const inputs = many(55, (index) => ({ appId, branchName: `b${index}` }))
    expect(await outcomes(client, 'CreateBranch', inputs)).toEqual({
      made: 50,
      refusals: ['Failed to create branch. You have reached the maximum number of branches in this app.'],
    })
    const { branches } = (await call(client, 'ListBranches', { appId })) as {
      branches: { branchName: string }[]
    }
    await call(client, 'DeleteBranch', { appId, branchName: branches[0]!.branchName })
    expect((await outcomes(client, 'CreateBranch', inputs.slice(53))).made).toBe(1)
    const other = { appId: await newApp(client), branchName: 'main' }
    expect(await failureOf(client, 'CreateBranch', other)).toBeUndefined()
  })

  test('webhooks are 50', async () => {
    const client = await newAccount()
    const appId = await newApp(client)
    await call(client, 'CreateBranch', { appId, branchName: 'main' })
    const inputs = many(52, () => ({ appId, branchName: 'main' }))
    expect(await outcomes(client, 'CreateWebhook', inputs)).toEqual({
      made: 50,
      refusals: ['Failed to create webhook. You have reached the maximum number of webhooks in this app.'],
    })
  })

  test('domains are 5', async () => {
    const client = await newAccount()
    const appId = await newApp(client)
    await call(client, 'CreateBranch', { appId, branchName: 'main' })
    const subDomainSettings = [{ prefix: '', branchName: 'main' }]
    const inputs = many(7, (index) => ({ appId, domainName: `quota${index}.example`, subDomainSettings }))
    expect(await outcomes(client, 'CreateDomainAssociation', inputs)).toEqual({
      made: 5,
      refusals: [
        'Failed to create domain association. You have reached the maximum number of domains in this app.',
      ],
    })
  })

  test('backend environments are 500, of which AWS says nothing', async () => {
    const client = await newAccount()
    const appId = await newApp(client)
    const inputs = many(501, (index) => ({ appId, environmentName: letters(index) }))
    expect(await outcomes(client, 'CreateBackendEnvironment', inputs)).toEqual({
      made: 500,
      refusals: [
        'Failed to create backend environment. You have reached the maximum number of backend environments in this app.',
      ],
    })
  }, 30_000)
})

test('sub-domains of a domain are 50; UpdateDomainAssociation, which has no LimitExceeded, calls it a bad request', async () => {
  const client = await newAccount()
  const appId = await newApp(client)
  await call(client, 'CreateBranch', { appId, branchName: 'main' })
  const input = (count: number) => ({
    appId,
    domainName: 'subdomains.example',
    subDomainSettings: many(count, (index) => ({ prefix: `s${index}`, branchName: 'main' })),
  })
  const message = 'A domain can have at most 50 sub-domains.'
  expect(await failureOf(client, 'CreateDomainAssociation', input(51))).toEqual({
    name: 'LimitExceededException',
    status: 429,
    message: `Failed to create domain association. ${message}`,
  })
  expect(await failureOf(client, 'CreateDomainAssociation', input(50))).toBeUndefined()
  expect(await failureOf(client, 'UpdateDomainAssociation', input(51))).toEqual({
    name: 'BadRequestException',
    status: 400,
    message: `Failed to update domain association. ${message}`,
  })
})
