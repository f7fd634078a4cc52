import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import * as amplify from '@aws-sdk/client-amplify'

import type { OperationName } from '../../src/api/operation.ts'
import contract from '../fixtures/contract/amplify-api.json' with { type: 'json' }
import { startApi, type TestApi } from '../support/api.ts'
import { call, failureOf, inputMembers, type Members } from '../support/contract.ts'
import { inputFor, newDomainName } from '../support/operation-inputs.ts'
import { artifactRow } from '../support/rows.ts'

/** Each list, walked page by page while rows come and go. */

let api: TestApi
let client: amplify.AmplifyClient
let regions = 0
beforeAll(async () => {
  api = await startApi()
})
// An account's apps in a region are one list: each test has a region of its own.
beforeEach(() => {
  client = api.client(api.key, `region-${++regions}`)
})
afterAll(() => api.stop())

interface List {
  /** Member of the answer that has the page. */
  items: string
  /** Member of an item that names it. */
  id: string
  /** Makes what the list belongs to. */
  scope(): Promise<Members>
  /** @returns the name of what was added */
  add(scope: Members, number: number): Promise<unknown>
  remove(scope: Members, id: unknown): Promise<unknown>
}

const send = (name: OperationName, input: Members) => call(client, name, input)

async function made(name: OperationName, input: Members, output: string, id: string): Promise<unknown> {
  return ((await send(name, input))[output] as Members)[id]
}

/** A name of ten lower-case letters for each number. */
const letters = (number: number) =>
  String(number)
    .padStart(10, '0')
    .replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!)

const lists: Partial<Record<OperationName, List>> = {
  ListApps: {
    items: 'apps',
    id: 'appId',
    scope: async () => ({}),
    add: (_scope, number) => made('CreateApp', { name: `app ${number}` }, 'app', 'appId'),
    remove: (_scope, appId) => send('DeleteApp', { appId }),
  },
  ListBranches: {
    items: 'branches',
    id: 'branchName',
    scope: () => inputFor(api, 'CreateBranch', client).then(({ appId }) => ({ appId })),
    add: (scope, number) =>
      made('CreateBranch', { ...scope, branchName: `b/${number}` }, 'branch', 'branchName'),
    remove: (scope, branchName) => send('DeleteBranch', { ...scope, branchName }),
  },
  ListJobs: {
    items: 'jobSummaries',
    id: 'jobId',
    scope: () => inputFor(api, 'ListJobs', client),
    async add(scope) {
      const { jobId } = await send('CreateDeployment', scope)
      await send('StopJob', { ...scope, jobId })
      return jobId
    },
    remove: (scope, jobId) => send('DeleteJob', { ...scope, jobId }),
  },
  ListArtifacts: {
    items: 'artifacts',
    id: 'artifactId',
    scope: () => inputFor(api, 'ListArtifacts', client),
    async add({ appId }, number) {
      const { queries } = api.services.database
      const { jobKey } = await queries
        .selectFrom('jobs')
        .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
        .select('jobKey')
        .where('appId', '=', String(appId))
        .executeTakeFirstOrThrow()
      const row = artifactRow(jobKey, `${(number * 7919) % 1000}-${number}.log`)
      await queries.insertInto('artifacts').values(row).execute()
      return row.artifactId
    },
    // They go with their job only.
    remove: async () => undefined,
  },
  ListDomainAssociations: {
    items: 'domainAssociations',
    id: 'domainName',
    scope: () => inputFor(api, 'ListDomainAssociations', client),
    add: (scope) =>
      made(
        'CreateDomainAssociation',
        { ...scope, domainName: newDomainName(), subDomainSettings: [{ prefix: '', branchName: 'main' }] },
        'domainAssociation',
        'domainName',
      ),
    remove: (scope, domainName) => send('DeleteDomainAssociation', { ...scope, domainName }),
  },
  ListWebhooks: {
    items: 'webhooks',
    id: 'webhookId',
    scope: () => inputFor(api, 'ListWebhooks', client),
    add: (scope) => made('CreateWebhook', { ...scope, branchName: 'main' }, 'webhook', 'webhookId'),
    remove: (_scope, webhookId) => send('DeleteWebhook', { webhookId }),
  },
  ListBackendEnvironments: {
    items: 'backendEnvironments',
    id: 'environmentName',
    scope: () => inputFor(api, 'ListBackendEnvironments', client),
    add: (scope, number) =>
      made(
        'CreateBackendEnvironment',
        { ...scope, environmentName: letters((number * 7919) % 10_000) },
        'backendEnvironment',
        'environmentName',
      ),
    remove: (scope, environmentName) => send('DeleteBackendEnvironment', { ...scope, environmentName }),
  },
}

const listNames = Object.keys(lists) as OperationName[]

/** Pages by AWS's own paginator where its client has one. */
function pages(name: OperationName, input: Members, pageSize: number): AsyncIterable<Members> {
  const paginate = (amplify as unknown as Record<string, unknown>)[`paginate${name}`] as
    ((options: Members, input: Members) => AsyncIterable<Members>) | undefined
  // A paginator writes into the input that it is given.
  return paginate?.({ client, pageSize }, { ...input }) ?? pagesByHand(name, input, pageSize)
}

async function* pagesByHand(
  name: OperationName,
  input: Members,
  maxResults: number,
): AsyncGenerator<Members> {
  let nextToken: unknown
  do {
    const page = await send(name, { ...input, maxResults, nextToken })
    yield page
    nextToken = page['nextToken']
  } while (nextToken)
}

describe.each(listNames)('%s', (name) => {
  const { items, id, scope: makeScope, add, remove } = lists[name]!

  test.each([1, 2, 50])('in pages of %d, while rows are added and removed', async (pageSize) => {
    const scope = await makeScope()
    const stay: unknown[] = []
    const go: unknown[] = []
    // With one row more than two pages hold.
    for (let number = 0; number <= 2 * pageSize + 1; number++) {
      ;(number % 3 === 1 ? go : stay).push(await add(scope, number))
    }
    const seen: unknown[] = []
    let pagesSeen = 0
    for await (const page of pages(name, scope, pageSize)) {
      const ids = (page[items] as Members[]).map((item) => item[id])
      expect(ids.length).toBeLessThanOrEqual(pageSize)
      seen.push(...ids)
      // Also the row that the token names: the page after it begins where it was.
      const last = ids.at(-1)
      const gone = go.includes(last) ? last : go.at(-1)
      if (gone !== undefined) {
        await remove(scope, gone)
        go.splice(go.indexOf(gone), 1)
      }
      if (pagesSeen++ < 3) await add(scope, 1000 + pagesSeen)
    }
    expect(pagesSeen).toBeGreaterThan(1)
    expect(new Set(seen).size).toBe(seen.length)
    expect(stay.filter((there) => !seen.includes(there))).toEqual([])
  })

  test('tokens of another list, of another scope, and what is no token are refused', async () => {
    const scope = await filled()
    const { nextToken } = await send(name, { ...scope, maxResults: 1 })
    expect(nextToken).toBeString()
    const others = await Promise.all(
      listNames
        .filter((other) => other !== name)
        .map(async (other) => [other, await lists[other]!.scope()] as const),
    )
    const elsewhere = name === 'ListApps' ? [] : ([[name, await filled()]] as const)
    for (const [other, otherScope] of [...others, ...elsewhere]) {
      expect(await failureOf(client, other, { ...otherScope, nextToken })).toMatchObject({
        name: 'BadRequestException',
      })
    }
    for (const wrong of ['x', '%', String(nextToken).slice(1)]) {
      expect(await failureOf(client, name, { ...scope, nextToken: wrong })).toMatchObject({
        name: 'BadRequestException',
      })
    }
    expect(await failureOf(client, name, { ...scope, nextToken: '' })).toBeUndefined()
  })

  async function filled(): Promise<Members> {
    const scope = await makeScope()
    for (const number of [2001, 2002, 2003]) await add(scope, number)
    return scope
  }

  test('0, absent and too many ask for as many as a page holds; the last page has no token', async () => {
    const scope = await filled()
    const all = await send(name, scope)
    expect(all).not.toHaveProperty('nextToken')
    for (const maxResults of [0, 100]) expect(await send(name, { ...scope, maxResults })).toEqual(all)
  })
})

test('every list of the model is walked, those with a paginator by it', () => {
  const named = Object.entries(contract.operations).filter(
    ([name]) => inputMembers(name as OperationName)['nextToken'] !== undefined,
  )
  expect(new Set(Object.keys(lists))).toEqual(new Set(named.map(([name]) => name)))
  for (const [name, { paginator }] of named) expect(`paginate${name}` in amplify).toBe(paginator !== null)
})
