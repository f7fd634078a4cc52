import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import * as amplify from '@aws-sdk/client-amplify'
import type { AmplifyClient } from '@aws-sdk/client-amplify'

import type { OperationName } from '../../src/api/operation.ts'
import contract from '../fixtures/contract/amplify-api.json' with { type: 'json' }
import { startApi, type TestApi } from '../support/api.ts'

/**
 * Nobody learns of another account's resources, not even that they exist: every operation is called by strangers against
 * resources that are there, and must answer as it does for resources that are nowhere. The calls are made from the
 * contract, so that an operation which a later version brings is covered from its first day.
 */

type Members = Record<string, unknown>

interface InputMember {
  location: string
  required: boolean
}

const names = Object.keys(contract.operations) as OperationName[]
const inputOf = (name: OperationName) =>
  contract.operations[name].input as unknown as Record<string, InputMember>

/** Operations that name no resource: anybody may call them, and sees what is their own. */
const namingNoResource: OperationName[] = ['CreateApp', 'ListApps']
const namingResources = names.filter((name) => !namingNoResource.includes(name))

const nowhere: Members = {
  appId: 'dnowhere',
  branchName: 'nowhere',
  jobId: '99',
  artifactId: 'artifact-nowhere',
  webhookId: 'webhook-nowhere',
  domainName: 'nowhere.example',
  environmentName: 'nowhere',
  resourceArn: 'arn:aws:amplify:us-east-1:000000000000:apps/dnowhere',
}

/** What an operation needs besides the names of resources. */
const otherMembers: Members = {
  jobType: 'RELEASE',
  subDomainSettings: [],
  tags: { a: 'b' },
  tagKeys: ['a'],
}

let api: TestApi
let owned: Members
let strangers: [description: string, client: AmplifyClient][]

beforeAll(async () => {
  api = await startApi()
  const client = api.client()
  const { app } = await client.send(new amplify.CreateAppCommand({ name: 'mine' }))
  const { appId, appArn } = app!
  const branch = { appId, branchName: 'feature/x' }
  await client.send(new amplify.CreateBranchCommand(branch))
  const { jobId } = await client.send(new amplify.CreateDeploymentCommand(branch))
  owned = { ...nowhere, ...branch, jobId, resourceArn: appArn, artifactId: await ownArtifact() }
  const otherAccount = await api.createKey({ accountId: '111111111111' })
  strangers = [
    ['another account', api.client(otherAccount)],
    ['another region', api.client(api.key, 'eu-central-1')],
  ]
})
afterAll(() => api.stop())

async function ownArtifact(): Promise<string> {
  const { queries } = api.services.database
  const { jobKey } = await queries.selectFrom('jobs').select('jobKey').executeTakeFirstOrThrow()
  const { sha, size } = await api.services.blobs.put('log')
  const artifact = {
    artifactId: 'artifact-1',
    jobKey,
    kind: 'test',
    fileName: 'log.txt',
    createdAt: 0,
  } as const
  await queries
    .insertInto('artifacts')
    .values({ ...artifact, sha, bytes: size })
    .execute()
  return artifact.artifactId
}

function callInput(name: OperationName, resources: Members): Members {
  const available = { ...otherMembers, ...resources }
  // Members of the path, what is required, and the job that StartDeployment would start.
  const needed = Object.entries(inputOf(name)).filter(
    ([member, { required }]) => required || member === 'jobId',
  )
  return Object.fromEntries(needed.map(([member]) => [member, available[member]]))
}

/** How a call fails, with the names of its resources taken out. */
async function failure(client: AmplifyClient, name: OperationName, resources: Members) {
  const Command = amplify[`${name}Command`] as unknown as new (
    input: Members,
  ) => InstanceType<typeof amplify.GetAppCommand>
  const input = callInput(name, resources)
  const error = await client.send(new Command(input)).then(
    () => expect.unreachable(`${name} succeeded`),
    (thrown: Error & { $metadata: { httpStatusCode?: number } }) => thrown,
  )
  const named = Object.entries(input).filter(([, value]) => typeof value === 'string')
  const message = named.reduce(
    (text, [member, value]) => text.replaceAll(String(value), `{${member}}`),
    error.message,
  )
  return { name: error.name, status: error.$metadata.httpStatusCode, message }
}

describe('a stranger', () => {
  test.each(namingResources)('meets %s as if there were nothing', async (name) => {
    for (const [, client] of strangers) {
      const seen = await failure(client, name, owned)
      expect(seen).toEqual(await failure(client, name, nowhere))
      expect(seen.name).toMatch(/^(NotFound|ResourceNotFound|NotImplemented)Exception$/)
    }
  })

  test('lists no apps but their own', async () => {
    for (const [, client] of strangers) {
      expect((await client.send(new amplify.ListAppsCommand({}))).apps).toEqual([])
    }
  })
})

describe('without credentials', () => {
  test.each(names)('%s is refused', async (name) => {
    const { method, uri } = contract.operations[name]
    const path = uri.replace(/\{(\w+)\}/g, (_match, member: string) =>
      encodeURIComponent(String(owned[member])),
    )
    const body = method === 'POST' ? { body: '{}' } : {}
    const reply = await fetch(`${api.url}${path}`, { method, ...body })
    expect(reply.status).toBe(403)
    expect(reply.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException')
  })
})

test('afterwards everything is where it was', async () => {
  const { appId, branchName, jobId } = owned as { appId: string; branchName: string; jobId: string }
  const { job } = await api.client().send(new amplify.GetJobCommand({ appId, branchName, jobId }))
  expect(job?.summary?.status).toBe('CREATED')
})
