import { afterAll, beforeAll, expect, test } from 'bun:test'

import {
  CreateAppCommand,
  CreateBranchCommand,
  DeleteAppCommand,
  DeleteJobCommand,
  GetAppCommand,
  ListAppsCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-amplify'

import { sendSigned } from '../../src/cli/call-endpoint.ts'
import type { AuditEventRow } from '../../src/store/schema.ts'
import { startApi, type TestApi } from '../support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

type SeenEvent = Omit<AuditEventRow, 'createdAt'> & { eventTime: number }

async function readAudit(
  query: Record<string, string> = {},
  key = api.key,
): Promise<{ status: number; events: SeenEvent[]; nextToken?: string }> {
  const url = new URL(`/_preamp/audit?${new URLSearchParams(query)}`, api.url)
  const response = await sendSigned('GET', url, { region: 'us-east-1', credentials: key })
  return { status: response.status, ...((await response.json()) as { events: SeenEvent[] }) }
}

/** CreateApp with a body as no client would send it. */
function createAppWith(body: Record<string, unknown>) {
  const client = api.client()
  client.middlewareStack.add(
    (next) => (call) => {
      const request = call.request as { body: string; headers: Record<string, string> }
      request.body = JSON.stringify(body)
      request.headers['content-length'] = String(request.body.length)
      return next(call)
    },
    { step: 'build', priority: 'low' },
  )
  return client.send(new CreateAppCommand({ name: 'replaced' }))
}

test('records who changed what, from where, and how it ended; looking is not recorded', async () => {
  const client = api.client()
  const { app, $metadata } = await client.send(
    new CreateAppCommand({
      name: 'audited',
      accessToken: 'secret-token',
      environmentVariables: { PASSWORD: 'secret-value' },
      basicAuthCredentials: 'c2VjcmV0',
      buildSpec: 'version: 1 # secret-spec',
      enableAutoBranchCreation: true,
      autoBranchCreationConfig: { environmentVariables: { A: 'secret-nested' } },
    }),
  )
  const appId = app!.appId!
  await client.send(new GetAppCommand({ appId }))
  await client.send(new CreateBranchCommand({ appId, branchName: 'feature/x' }))
  const refused = new DeleteJobCommand({ appId, branchName: 'feature/x', jobId: '7' })
  await expect(client.send(refused)).rejects.toThrow('Job 7 not found.')
  const signed = 'https://bucket.example/site.zip?X-Amz-Signature=secret-signature'
  await client.send(new StartDeploymentCommand({ appId, branchName: 'feature/x', sourceUrl: signed }))
  const malformed = new StartDeploymentCommand({ appId, branchName: 'feature/x', sourceUrl: 'ftp://x' })
  await expect(client.send(malformed)).rejects.toThrow('validation error')
  await client.send(new DeleteAppCommand({ appId }))

  const { events } = await readAudit()
  expect(events.map(({ operation, errorCode }) => [operation, errorCode ?? null])).toEqual([
    ['DeleteApp', null],
    ['StartDeployment', 'BadRequestException'],
    ['StartDeployment', null],
    ['DeleteJob', 'NotFoundException'],
    ['CreateBranch', null],
    ['CreateApp', null],
  ])
  expect(JSON.stringify(events)).not.toContain('secret-')
  expect(JSON.stringify(events)).not.toContain('c2VjcmV0')
  const [, , , deleteJob, createBranch, createApp] = events
  expect(deleteJob).toMatchObject({
    accountId: '000000000000',
    region: 'us-east-1',
    accessKeyId: api.key.accessKeyId,
    principal: 'arn:aws:iam::000000000000:user/admin',
    resource: `arn:aws:amplify:us-east-1:000000000000:apps/${appId}/branches/feature/x/jobs/0000000007`,
    remoteAddress: '127.0.0.1',
    statusCode: 404,
    message: 'Job 7 not found.',
  })
  expect(deleteJob!.userAgent).toContain('aws-sdk-js')
  expect(createBranch).toMatchObject({ parameters: { appId, branchName: 'feature/x' }, statusCode: 200 })
  expect(createApp).toMatchObject({
    requestId: $metadata.requestId,
    parameters: { name: 'audited', accessToken: '***', environmentVariables: '***' },
  })
})

test('passwords in addresses are not kept, in calls that were refused for them neither', async () => {
  const client = api.client()
  const repository = 'https://me:secret-password@host.example/site.git'
  await expect(client.send(new CreateAppCommand({ name: 'refused', repository }))).rejects.toThrow('password')
  const { app } = await client.send(new CreateAppCommand({ name: 'sourced' }))
  const branch = { appId: app!.appId!, branchName: 'main' }
  await client.send(new CreateBranchCommand(branch))
  const sourceUrl = 'https://me:secret-p?ss@word@host.example/site.zip?token=secret-token'
  await client.send(new StartDeploymentCommand({ ...branch, sourceUrl }))
  const malformed = new StartDeploymentCommand({ ...branch, sourceUrl: sourceUrl.replace('https', 'ftp') })
  await expect(client.send(malformed)).rejects.toThrow('validation error')

  const { events } = await readAudit()
  expect(JSON.stringify(events)).not.toMatch(/secret-|word@|p\?ss/)
  expect(events[0]!.parameters['sourceUrl']).toBe('ftp://***@host.example/site.zip')
  expect(events[1]!.parameters['sourceUrl']).toBe('https://***@host.example/site.zip')
  expect(events[4]!.parameters['repository']).toBe('https://***@host.example/site.git')
})

test('keeps little of a call that sends much', async () => {
  const customRules = Array.from({ length: 20 }, () => ({
    source: 's'.repeat(3000),
    target: 't'.repeat(3000),
    condition: 'c'.repeat(3000),
    status: 'x'.repeat(3000),
  }))
  const sent = new CreateAppCommand({ name: 'large', customRules })
  await expect(api.client().send(sent)).rejects.toThrow('validation error')
  const { events } = await readAudit({ maxResults: '1' })
  expect(events[0]!.parameters).toEqual({ name: '(too long)', customRules: '(too long)' })
})

test('keeps calls with more members than any operation has readable', async () => {
  const members = Object.fromEntries(Array.from({ length: 60 }, (_, number) => [`m${number}`, 'x']))
  await createAppWith({ name: 'wide', ...members })
  const { events } = await readAudit({ maxResults: '1' })
  expect(Object.keys(events[0]!.parameters)).toHaveLength(40)
})

test('keeps no secrets that stand where none are expected', async () => {
  const sent = {
    name: 'odd',
    repository: 'https://user:secret-1@git.example/a#secret-2',
    environmentvariables: { A: 'secret-3' },
    sourceUrl: ['https://a.example/?secret-4'],
  }
  await expect(createAppWith(sent)).rejects.toThrow()
  const { events } = await readAudit({ maxResults: '1' })
  expect(events[0]!.parameters).toMatchObject({ name: 'odd', environmentvariables: '***', sourceUrl: '***' })
  expect(JSON.stringify(events)).not.toContain('secret-')
})

test('keeps nothing of what a key that may do nothing sent', async () => {
  const powerless = api.client(await api.createKey({ policies: [] }))
  await expect(powerless.send(new CreateAppCommand({ name: 'x'.repeat(200) }))).rejects.toThrow()
  const { events } = await readAudit({ maxResults: '1' })
  expect(events[0]).toMatchObject({ errorCode: 'AccessDeniedException', parameters: {} })
})

test('is read in pages, and by its own account alone', async () => {
  const other = await api.createKey({ accountId: '111111111111' })
  for (const name of ['a', 'b', 'c']) await api.client(other).send(new CreateAppCommand({ name }))
  const names: unknown[] = []
  let nextToken: string | undefined
  do {
    const page = await readAudit({ maxResults: '1', ...(nextToken && { nextToken }) }, other)
    expect(page.events).toHaveLength(1)
    names.push(page.events[0]!.parameters['name'])
    nextToken = page.nextToken
  } while (nextToken)
  expect(names).toEqual(['c', 'b', 'a'])
  expect((await readAudit({ maxResults: 'x' }, other)).status).toBe(400)
  expect((await readAudit({ nextToken: 'x' }, other)).status).toBe(400)
})

test('is read by nobody without a key', async () => {
  expect((await fetch(`${api.url}/_preamp/audit`)).status).toBe(403)
})

test('a call that cannot be recorded fails, and changes nothing', async () => {
  const own = await startApi()
  try {
    await own.services.database.queries.schema.dropTable('auditEvents').execute()
    const error = await own
      .client()
      .send(new CreateAppCommand({ name: 'unseen' }))
      .catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ name: 'InternalFailureException' })
    expect((await own.client().send(new ListAppsCommand({}))).apps).toEqual([])
  } finally {
    await own.stop()
  }
})
