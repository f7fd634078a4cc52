import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import { CreateAppCommand, GetAppCommand, UpdateAppCommand } from '@aws-sdk/client-amplify'

import type { AppSecrets } from '../../src/model/settings.ts'
import { findAppById } from '../../src/store/apps.ts'
import { listAuditEvents } from '../../src/store/audit-events.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { askEndpoint } from '../support/call-endpoint.ts'

let api: TestApi
let appId: string
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())
beforeEach(async () => {
  const { app } = await api
    .client()
    .send(new CreateAppCommand({ name: 'app', basicAuthCredentials: 'dXNlcjpwYXNzd29yZA==' }))
  appId = app!.appId!
})

const credentials = { server: 'registry.example.com:5000', userName: 'team', password: 'hunter22-hunter22' }
const shown = { registry: { server: credentials.server, userName: credentials.userName } }
const ask = (method: string, body?: object, of: Pick<TestApi, 'url' | 'key'> = api) =>
  askEndpoint(of, method, `/_preamp/apps/${appId}/registry`, body)

async function storedSecrets(): Promise<{ sealed: string; secrets: AppSecrets }> {
  const app = await findAppById(api.services.database.queries, appId)
  const sealed = app!.secrets!
  return { sealed, secrets: api.services.secrets.open<AppSecrets>(sealed) }
}

describe('the credentials of an app for its image', () => {
  test('are set, shown without the password, and deleted', async () => {
    expect(await ask('GET')).toEqual({ status: 200, answer: {} })
    expect(await ask('PUT', credentials)).toEqual({ status: 200, answer: shown })
    expect(await ask('GET')).toEqual({ status: 200, answer: shown })
    expect(JSON.stringify(await api.client().send(new GetAppCommand({ appId })))).not.toContain('hunter22')
    expect(await ask('DELETE')).toEqual({ status: 200, answer: {} })
    expect(await ask('GET')).toEqual({ status: 200, answer: {} })
  })

  test('lie encrypted beside the other secrets of the app, and are in no audit log', async () => {
    await ask('PUT', credentials)
    await api.client().send(new UpdateAppCommand({ appId, name: 'renamed' }))
    const { sealed, secrets } = await storedSecrets()
    expect(sealed).not.toContain('hunter22')
    expect(secrets).toMatchObject({ basicAuthCredentials: 'dXNlcjpwYXNzd29yZA==', registry: credentials })
    const events = await listAuditEvents(
      api.services.database.queries,
      { accountId: '000000000000' },
      { limit: 10 },
    )
    expect(events.map(({ operation }) => operation)).toContain('PUT /_preamp/apps/{appId}/registry')
    expect(JSON.stringify(events)).not.toContain('hunter22')
    await ask('DELETE')
    expect((await storedSecrets()).secrets).toEqual({ basicAuthCredentials: 'dXNlcjpwYXNzd29yZA==' })
  })

  test.each([
    [{ ...credentials, userName: 'a:b' }],
    [{ ...credentials, server: 'a b' }],
    [{ ...credentials, password: '' }],
    [{ server: 'a', userName: 'b' }],
    [{ ...credentials, more: 1 }],
  ])('%j are refused', async (sent) => {
    const { status, answer } = await ask('PUT', sent)
    expect(status).toBe(400)
    expect(JSON.stringify(answer)).not.toContain('hunter22')
    expect(await ask('GET')).toEqual({ status: 200, answer: {} })
  })

  test('are none of another account’s business', async () => {
    const key = await api.createKey({ accountId: '111111111111' })
    for (const [method, body] of [['GET'], ['PUT', credentials], ['DELETE']] as const)
      expect((await ask(method, body, { ...api, key })).status).toBe(404)
  })
})
