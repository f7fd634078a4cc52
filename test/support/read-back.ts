import type { AmplifyClient } from '@aws-sdk/client-amplify'

import type { OperationName } from '../../src/api/operation.ts'
import { call, type Members } from './contract.ts'

/** How what is set on a resource is read back. */
interface Resource {
  /** The member of every answer about one. */
  output: string
  get: OperationName
  /** The members of an answer that Get is asked with; the app's id is that of the input where the answer has none. */
  key: string[]
  list: OperationName
  items: string
}

export const resources = {
  App: { output: 'app', get: 'GetApp', key: ['appId'], list: 'ListApps', items: 'apps' },
  Branch: {
    output: 'branch',
    get: 'GetBranch',
    key: ['appId', 'branchName'],
    list: 'ListBranches',
    items: 'branches',
  },
  DomainAssociation: {
    output: 'domainAssociation',
    get: 'GetDomainAssociation',
    key: ['appId', 'domainName'],
    list: 'ListDomainAssociations',
    items: 'domainAssociations',
  },
  Webhook: {
    output: 'webhook',
    get: 'GetWebhook',
    key: ['webhookId'],
    list: 'ListWebhooks',
    items: 'webhooks',
  },
  BackendEnvironment: {
    output: 'backendEnvironment',
    get: 'GetBackendEnvironment',
    key: ['appId', 'environmentName'],
    list: 'ListBackendEnvironments',
    items: 'backendEnvironments',
  },
} satisfies Record<string, Resource>

export type ResourceKind = keyof typeof resources

/** Whether an operation sets members of a resource: CreateApp, UpdateBranch and their kin. */
export const isResourceOperation = (name: OperationName) => resourceOf(name) !== undefined

const resourceOf = (name: OperationName): Resource | undefined =>
  (resources as Record<string, Resource>)[/^(?:Create|Update)(\w+)$/.exec(name)?.[1] ?? '']

/** Calls the operation, and reads what it set from the reply, from Get and from List. */
export async function readBack(
  client: AmplifyClient,
  name: OperationName,
  input: Members,
): Promise<{ reply: Members; get: Members; list: Members }> {
  const { output, get, key, list, items } = resourceOf(name)!
  const reply = (await call(client, name, input))[output] as Members
  const known = { ...input, ...reply }
  const appId = known['appId']
  const address = Object.fromEntries(key.map((member) => [member, known[member]]))
  const got = (await call(client, get, address))[output] as Members
  const listed = await listAll(client, list, items, list === 'ListApps' ? {} : { appId })
  const own = listed.filter((item) =>
    key.every((member) => member === 'appId' || item[member] === address[member]),
  )
  const inList = own.find((item) => item['appId'] === undefined || item['appId'] === appId)
  if (!inList) throw new Error(`${list} does not show what ${name} made`)
  return { reply, get: got, list: inList }
}

async function listAll(
  client: AmplifyClient,
  list: OperationName,
  items: string,
  input: Members,
): Promise<Members[]> {
  const all: Members[] = []
  let nextToken: unknown
  do {
    const page = await call(client, list, { ...input, nextToken })
    all.push(...(page[items] as Members[]))
    nextToken = page['nextToken']
  } while (nextToken)
  return all
}
