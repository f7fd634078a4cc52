import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import type { AmplifyClient } from '@aws-sdk/client-amplify'

import type { OperationName } from '../../src/api/operation.ts'
import contract from '../fixtures/contract/amplify-api.json' with { type: 'json' }
import { startApi, type TestApi } from '../support/api.ts'
import { call, failureOf, type Members, operationNames } from '../support/contract.ts'
import { databaseContent } from '../support/database-content.ts'
import { inputFor, nowhere } from '../support/operation-inputs.ts'

/**
 * Nobody learns of another account's resources, not even that they exist: every operation is called by strangers against
 * resources that are there, and must answer as it does for resources that are nowhere. The calls are made from the
 * contract, so that an operation which a later version brings is covered from its first day.
 */

/** Operations that name no resource: anybody may call them, and sees what is their own. */
const namingNoResource: OperationName[] = ['CreateApp', 'ListApps']
const namingResources = operationNames.filter((name) => !namingNoResource.includes(name))

let api: TestApi
let strangers: AmplifyClient[]

beforeAll(async () => {
  api = await startApi()
  const otherAccount = await api.createKey({ accountId: '111111111111' })
  strangers = [api.client(otherAccount), api.client(api.key, 'eu-central-1')]
})
afterAll(() => api.stop())

/** How a call fails, with the names of its resources taken out. */
async function failure(client: AmplifyClient, name: OperationName, input: Members) {
  const { message, ...kind } =
    (await failureOf(client, name, input)) ?? expect.unreachable(`${name} succeeded`)
  const named = Object.entries(input).filter(([, value]) => typeof value === 'string')
  return {
    ...kind,
    message: named.reduce((text, [member, value]) => text.replaceAll(String(value), `{${member}}`), message),
  }
}

describe('a stranger, of another account or in another region,', () => {
  test.each(namingResources)('meets %s as if there were nothing', async (name) => {
    const owned = await inputFor(api, name)
    const elsewhere = Object.fromEntries(
      Object.entries(owned).map(([member, value]) => [member, nowhere[member] ?? value]),
    )
    const before = await databaseContent(api)
    for (const stranger of strangers) {
      const seen = await failure(stranger, name, owned)
      expect(seen).toEqual(await failure(stranger, name, elsewhere))
      expect(seen.name).toMatch(/^(NotFound|ResourceNotFound)Exception$/)
    }
    expect(await databaseContent(api)).toEqual(before)
    // Whoever owns them is not refused.
    expect(await failureOf(api.client(), name, owned)).toBeUndefined()
  })

  test('lists no apps but their own', async () => {
    for (const stranger of strangers) {
      expect(await call(stranger, 'ListApps', {})).toEqual({ apps: [] })
    }
  })
})

describe('without credentials', () => {
  test.each(operationNames)('%s is refused', async (name) => {
    const { method, uri } = contract.operations[name]
    const path = uri.replace(/\{(\w+)\}/g, (_match, member: string) =>
      encodeURIComponent(String(nowhere[member])),
    )
    const body = method === 'POST' ? { body: '{}' } : {}
    const reply = await fetch(`${api.url}${path}`, { method, ...body })
    expect(reply.status).toBe(403)
    expect(reply.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException')
  })
})
