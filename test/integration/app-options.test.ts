import { afterAll, beforeAll, expect, test } from 'bun:test'

import { CreateAppCommand } from '@aws-sdk/client-amplify'

import { appOptionDefaults } from '../../src/model/app-options.ts'
import { listAuditEvents } from '../../src/store/audit-events.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { askEndpoint } from '../support/call-endpoint.ts'

let api: TestApi
let path: string
beforeAll(async () => {
  api = await startApi()
  const { app } = await api.client().send(new CreateAppCommand({ name: 'app' }))
  path = `/_preamp/apps/${app!.appId}/options`
})
afterAll(() => api.stop())

test('options of an app have defaults, are changed one by one, and can be set back', async () => {
  const defaults = { status: 200, answer: { options: { ...appOptionDefaults } } }
  const changed = { status: 200, answer: { options: { ...appOptionDefaults, network: false } } }
  expect(await askEndpoint(api, 'GET', path)).toEqual(defaults)
  expect(await askEndpoint(api, 'PUT', path, { network: false })).toEqual(changed)
  expect(await askEndpoint(api, 'PUT', path, {})).toEqual(changed)
  expect(await askEndpoint(api, 'GET', path)).toEqual(changed)
  expect(await askEndpoint(api, 'PUT', path, { network: '' })).toEqual(defaults)
})

test.each([
  [
    { network: 'no' },
    "1 validation error detected: Value 'no' at 'network' failed to satisfy constraint: Member must be of type boolean",
  ],
  [{ netwrok: false }, '1 validation error detected: '],
])('the options %p are refused', async (body, message) => {
  expect(await askEndpoint(api, 'PUT', path, body)).toEqual({
    status: 400,
    answer: { message: expect.stringContaining(message) as string },
  })
})

test('a change of options is in the audit log', async () => {
  await askEndpoint(api, 'PUT', path, { network: true })
  const events = await listAuditEvents(
    api.services.database.queries,
    { accountId: '000000000000' },
    { limit: 1 },
  )
  expect(events[0]).toMatchObject({
    operation: 'PUT /_preamp/apps/{appId}/options',
    parameters: { network: true },
    statusCode: 200,
  })
})
