import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import { CreateAppCommand, CreateBranchCommand, DeleteBranchCommand } from '@aws-sdk/client-amplify'

import { limits } from '../../src/model/limits.ts'
import type { PolicyDocument } from '../../src/model/policy-document.ts'
import { listAuditEvents } from '../../src/store/audit-events.ts'
import { listBuildSecrets } from '../../src/store/build-secrets.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { askEndpoint } from '../support/call-endpoint.ts'

let api: TestApi
let appId: string
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())
beforeEach(async () => {
  const { app } = await api.client().send(new CreateAppCommand({ name: 'app' }))
  appId = app!.appId!
})

const path = (rest = '') => `/_preamp/apps/${appId}/secrets${rest}`
const set = (rest: string, value: unknown) => askEndpoint(api, 'PUT', path(rest), { value })
const list = async (rest = '') => {
  const { answer } = await askEndpoint(api, 'GET', path(rest))
  return (answer as { secrets: { name: string; branchName?: string }[] }).secrets
}

/** The status that a key with these statements gets, or one of another account. */
async function as(
  policy: PolicyDocument['Statement'] | undefined,
  method: string,
  rest: string,
): Promise<number> {
  const key = policy
    ? await api.createKey({ policies: [{ Version: '2012-10-17', Statement: policy }] })
    : await api.createKey({ accountId: '111111111111' })
  const body = method === 'PUT' ? { value: 'value' } : undefined
  return (await askEndpoint({ ...api, key }, method, path(rest), body)).status
}

describe('secrets of builds', () => {
  test('are set, listed without their values, and deleted', async () => {
    expect(await set('/TOKEN', 'first-value')).toEqual({
      status: 200,
      answer: { secret: { name: 'TOKEN', updateTime: expect.any(Number) as number } },
    })
    await set('/TOKEN', 'shared-value')
    await set('/TOKEN?branch=feature%2Fx', 'branch-value')
    await set('/OTHER?branch=main', 'other-value')
    const { answer } = await askEndpoint(api, 'GET', path())
    expect(JSON.stringify(answer)).not.toContain('value')
    expect((await list()).map(({ name, branchName }) => [name, branchName])).toEqual([
      ['TOKEN', undefined],
      ['TOKEN', 'feature/x'],
      ['OTHER', 'main'],
    ])
    expect((await list('?branch=main')).map(({ name }) => name)).toEqual(['OTHER'])
    expect(await askEndpoint(api, 'DELETE', path('/TOKEN'))).toEqual({ status: 200, answer: {} })
    expect(await askEndpoint(api, 'DELETE', path('/TOKEN'))).toEqual({
      status: 404,
      answer: { message: 'Secret TOKEN not found.' },
    })
    expect((await list()).map(({ branchName }) => branchName)).toEqual(['feature/x', 'main'])
  })

  test('lie encrypted, and are not in the audit log, which names them', async () => {
    await set('/TOKEN?branch=main', 'hunter22')
    const { queries } = api.services.database
    const [row] = await listBuildSecrets(queries, appId)
    expect(row!.value).not.toContain('hunter22')
    expect(api.services.secrets.open<string>(row!.value)).toBe('hunter22')
    const [event] = await listAuditEvents(queries, { accountId: '000000000000' }, { limit: 1 })
    expect(event).toMatchObject({
      operation: 'PUT /_preamp/apps/{appId}/secrets/{name}',
      parameters: { appId, name: 'TOKEN', branch: 'main' },
    })
    expect(JSON.stringify(event)).not.toContain('hunter22')
  })

  test.each<[string, unknown, RegExp]>([
    ['/a%2Fb', 'value', /^1 validation error detected: Value 'a\/b' at 'name'/],
    [`/${'a'.repeat(129)}`, 'value', /length less than or equal to 128/],
    ['/TOKEN', '', /length greater than or equal to 1$/],
    ['/TOKEN', 7, /Member must be of type string$/],
    ['/TOKEN', 'x'.repeat(limits.buildSecretCharactersMax + 1), /length less than or equal to 8192$/],
    ['/TOKEN?branch=', 'value', /at 'branch' failed/],
  ])('called %s are refused', async (rest, value, words) => {
    const { status, answer } = await set(rest, value)
    expect([status, (answer as { message: string }).message]).toEqual([
      400,
      expect.stringMatching(words) as string,
    ])
    expect(await list()).toEqual([])
  })

  test('have limits of number and bytes', async () => {
    const value = 'x'.repeat(limits.buildSecretCharactersMax)
    expect((await set('/A', value)).status).toBe(200)
    const tooMuch = await set('/B', value)
    expect(tooMuch).toMatchObject({
      status: 429,
      answer: { message: expect.stringMatching(/at most 16384 bytes/) as string },
    })
    expect((await set('/A', value)).status).toBe(200)
    expect((await set('/B?branch=main', value)).status).toBe(200)
    const { queries } = api.services.database
    const row = (await listBuildSecrets(queries, appId))[0]!
    for (let number = 2; number < limits.buildSecretsMax; number++) {
      await queries
        .insertInto('buildSecrets')
        .values({ ...row, branchName: `b${number}` })
        .execute()
    }
    expect(await set('/C?branch=other', 'v')).toMatchObject({
      status: 429,
      answer: { message: expect.stringMatching(/at most 500 secrets/) as string },
    })
    expect((await set('/A', 'changed')).status).toBe(200)
  })

  test('go with their branch, and may be there before it', async () => {
    await set('/TOKEN?branch=main', 'value-1')
    await set('/TOKEN', 'value-2')
    const branch = { appId, branchName: 'main' }
    await api.client().send(new CreateBranchCommand(branch))
    expect(await list()).toHaveLength(2)
    await api.client().send(new DeleteBranchCommand(branch))
    expect((await list()).map(({ branchName }) => branchName)).toEqual([undefined])
  })

  test('are no other account’s, and are changed by whoever may change app or branch', async () => {
    await set('/TOKEN', 'value')
    expect(await as(undefined, 'GET', '')).toBe(404)
    expect(await as(undefined, 'PUT', '/TOKEN')).toBe(404)
    expect(await as(undefined, 'DELETE', '/TOKEN')).toBe(404)
    const ofMain: PolicyDocument['Statement'] = [
      {
        Effect: 'Allow',
        Action: ['amplify:UpdateBranch', 'amplify:GetBranch'],
        Resource: `arn:aws:amplify:*:*:apps/${appId}/branches/main`,
      },
    ]
    expect(await as(ofMain, 'PUT', '/TOKEN?branch=main')).toBe(200)
    expect(await as(ofMain, 'GET', '?branch=main')).toBe(200)
    expect(await as(ofMain, 'PUT', '/TOKEN?branch=dev')).toBe(403)
    expect(await as(ofMain, 'PUT', '/TOKEN?branch=dev&branch=main')).toBe(403)
    expect(await as(ofMain, 'PUT', '/TOKEN')).toBe(403)
    expect(await as(ofMain, 'GET', '')).toBe(403)
  })
})
