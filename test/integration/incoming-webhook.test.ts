import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  CreateWebhookCommand,
  DeleteBranchCommand,
  DeleteWebhookCommand,
  GetJobCommand,
  type JobType,
  ListJobsCommand,
  StartJobCommand,
  UpdateAppCommand,
  UpdateBranchCommand,
  UpdateWebhookCommand,
} from '@aws-sdk/client-amplify'

import { sendSigned } from '../../src/cli/call-endpoint.ts'
import type { KeyPair } from '../../src/first-key.ts'
import type { JobStatus } from '../../src/model/jobs.ts'
import { limits } from '../../src/model/limits.ts'
import { listAuditEvents } from '../../src/store/audit-events.ts'
import { changeJob, type JobChange } from '../../src/store/jobs.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { sendRaw } from '../support/raw-http.ts'

let api: TestApi
let client: AmplifyClient
let branch: { appId: string; branchName: string }
let webhookId: string
let url: string
let wakes = 0

beforeAll(async () => {
  api = await startApi({ services: { jobsChanged: () => void wakes++ } })
  client = api.client()
})
beforeEach(async () => {
  const { app } = await client.send(
    new CreateAppCommand({ name: 'site', repository: 'https://git.example/a.git' }),
  )
  branch = { appId: app!.appId!, branchName: 'feature/x' }
  await client.send(new CreateBranchCommand(branch))
  const { webhook } = await client.send(new CreateWebhookCommand(branch))
  webhookId = webhook!.webhookId!
  url = webhook!.webhookUrl!
  wakes = 0
})
afterAll(() => api.stop())

interface Answer {
  status: number
  body: { message?: string; jobSummary?: { jobId: string; jobType: string; status: string } }
}

async function call(target = url, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(target, { method: 'POST', ...init })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

/** The number of the job that the call was answered with. */
async function accepted(target = url, init: RequestInit = {}): Promise<string> {
  const { status, body } = await call(target, init)
  expect(status).toBe(202)
  return body.jobSummary!.jobId
}

const jobs = async () =>
  (await client.send(new ListJobsCommand(branch))).jobSummaries!.map(
    ({ jobId, jobType, status, commitId }) => [jobId, jobType, status, commitId],
  )

async function startJob(jobType: JobType = 'RELEASE', jobId?: string): Promise<string> {
  const { jobSummary } = await client.send(new StartJobCommand({ ...branch, jobType, jobId }))
  return jobSummary!.jobId!
}

/** What a worker does to the job. */
async function move(jobId: string, status: JobStatus, change: JobChange = {}): Promise<void> {
  const { queries } = api.services.database
  const { jobKey, status: from } = await queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .select(['jobs.jobKey', 'jobs.status'])
    .where('branches.appId', '=', branch.appId)
    .where('jobs.number', '=', Number(jobId))
    .executeTakeFirstOrThrow()
  await changeJob(queries, jobKey, [from], { status, ...change })
}

/** The URL with its query changed. */
const changed = (change: (query: URLSearchParams) => void) => {
  const target = new URL(url)
  change(target.searchParams)
  return target.href
}

interface Deliveries {
  deliveries: { createTime: number; statusCode: number; message: string; jobId?: string; userAgent: string }[]
}

function readDeliveries(key: KeyPair = api.key, region = 'us-east-1'): Promise<Response> {
  const log = new URL(`${api.url}/_preamp/webhooks/${webhookId}/deliveries`)
  return sendSigned('GET', log, { region, credentials: key })
}

const deliveries = async () => ((await (await readDeliveries()).json()) as Deliveries).deliveries

describe('a call', () => {
  test('starts a job of the head and answers it, and wakes the worker', async () => {
    const { status, body } = await call()
    expect(status).toBe(202)
    expect(body.jobSummary).toMatchObject({
      jobArn: `arn:aws:amplify:us-east-1:000000000000:apps/${branch.appId}/branches/feature/x/jobs/0000000001`,
      jobId: '1',
      jobType: 'WEB_HOOK',
      status: 'PENDING',
      commitId: 'HEAD',
    })
    expect(wakes).toBe(1)
    expect(await jobs()).toEqual([['1', 'WEB_HOOK', 'PENDING', 'HEAD']])
  })

  test.each(['&operation=startbuild', '&operation=startbuild&operation=startbuild', '&', '&other=1'])(
    'may have %s at its end',
    async (suffix) => {
      expect(await accepted(`${url}${suffix}`)).toBe('1')
    },
  )

  test.each([
    '&operation=stopbuild',
    '&operation=',
    '&operation=startBuild',
    '&operation=startbuild&operation=x',
  ])('with %s is refused', async (suffix) => {
    const { status, body } = await call(`${url}${suffix}`)
    expect(status).toBe(400)
    expect(body.message).toContain('startbuild')
    expect(await jobs()).toEqual([])
  })

  const bodies: [what: string, init: RequestInit][] = [
    ['{}', { body: '{}', headers: { 'content-type': 'application/json' } }],
    ['JSON that is broken', { body: '{"a":', headers: { 'content-type': 'application/json' } }],
    ['a form', { body: new URLSearchParams({ payload: '{}' }) }],
    ['deep nesting', { body: '['.repeat(100_000) }],
    ['bytes', { body: new Uint8Array(1000).fill(255) }],
    ['900 KB', { body: 'x'.repeat(900_000) }],
    ['5 MB', { body: 'x'.repeat(5_000_000) }],
  ]
  test.each(bodies)('may bring any body, as %s', async (_what, init) => {
    expect(await accepted(url, init)).toBe('1')
  })

  test('follows the webhook to another branch', async () => {
    await client.send(new CreateBranchCommand({ ...branch, branchName: 'other' }))
    await client.send(new UpdateWebhookCommand({ webhookId, branchName: 'other' }))
    await accepted()
    expect(await jobs()).toEqual([])
  })
})

describe('who may not', () => {
  const wrong: [what: string, target: () => string][] = [
    ['a wrong token', () => changed((query) => query.set('token', 'a'.repeat(42)))],
    ['a token cut short', () => url.slice(0, -1)],
    ['a longer token', () => `${url}a`],
    ['an empty token', () => changed((query) => query.set('token', ''))],
    ['no token', () => changed((query) => query.delete('token'))],
    ['the token twice', () => changed((query) => query.append('token', query.get('token')!))],
    ['another id', () => changed((query) => query.set('id', crypto.randomUUID()))],
    ['the id twice', () => changed((query) => query.append('id', query.get('id')!))],
    ['no query', () => `${api.url}/_preamp/webhooks`],
    ['a NUL', () => changed((query) => query.set('id', '\0'))],
    ['a long id', () => changed((query) => query.set('id', 'x'.repeat(20_000)))],
    ['many ids', () => `${api.url}/_preamp/webhooks?${'id=a&'.repeat(5000)}token=b`],
    ['a wrong operation too', () => `${url}a&operation=none`],
  ]

  test('are all told the same', async () => {
    const answers = await Promise.all(wrong.map(([, target]) => call(target())))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]))
    expect(new Set(answers.map(({ body }) => body.message)).size).toBe(1)
    expect(await jobs()).toEqual([])
    expect(await deliveries()).toEqual([])
  })

  test('nor whose webhook is deleted', async () => {
    await client.send(new DeleteWebhookCommand({ webhookId }))
    expect((await call()).status).toBe(403)
  })

  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('%s is not POST', async (method) => {
    const response = await fetch(url, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    expect(await jobs()).toEqual([])
  })

  test.each(['%zz', '%ed%a0%80', '__proto__=1'])(
    'a query with %s is refused before it is looked at',
    async (part) => {
      const target = `${new URL(url).pathname}${new URL(url).search}&${part}`
      const request = `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
      expect((await sendRaw(api.port, request)).status).toBe(400)
      expect(await jobs()).toEqual([])
    },
  )
})

describe('what stands against a build', () => {
  const reasons: [what: string, status: number, message: string, cause: () => Promise<unknown>][] = [
    [
      'a deleted branch',
      404,
      'Branch feature/x not found.',
      () => client.send(new DeleteBranchCommand(branch)),
    ],
    [
      'auto build that is disabled',
      400,
      'Auto build is disabled for the branch feature/x.',
      () => client.send(new UpdateBranchCommand({ ...branch, enableAutoBuild: false })),
    ],
    [
      'an app without a repository',
      400,
      'App is not connected to a repository.',
      () => client.send(new UpdateAppCommand({ appId: branch.appId, repository: '' })),
    ],
  ]
  test.each(reasons)('%s is told, and stands in the log', async (_what, status, message, cause) => {
    await cause()
    wakes = 0
    const answer = await call()
    expect(answer).toMatchObject({ status, body: { message: expect.stringContaining(message) as string } })
    expect(await deliveries()).toMatchObject([{ statusCode: status, message: answer.body.message }])
    expect(wakes).toBe(0)
  })
})

describe('a busy branch', () => {
  test('has one job wait, which stands for all calls until it begins', async () => {
    await move(await accepted(), 'RUNNING')
    expect(await accepted()).toBe('2')
    expect(await accepted()).toBe('2')
    await expect(startJob()).rejects.toMatchObject({ name: 'LimitExceededException' })
    await move('1', 'SUCCEED')
    await move('2', 'RUNNING')
    expect(await accepted()).toBe('3')
    expect((await jobs()).map(([jobId, , status]) => [jobId, status])).toEqual([
      ['3', 'PENDING'],
      ['2', 'RUNNING'],
      ['1', 'SUCCEED'],
    ])
  })

  test('of calls at once starts one job', async () => {
    const started = await Promise.all(Array.from({ length: 20 }, () => accepted()))
    expect(new Set(started)).toEqual(new Set(['1']))
    expect(await jobs()).toEqual([['1', 'WEB_HOOK', 'PENDING', 'HEAD']])
    expect(await deliveries()).toHaveLength(20)
  })

  test('moves a retry that waits to the head', async () => {
    await move(await startJob(), 'FAILED', { commitId: 'a'.repeat(40), commitMessage: 'old', commitTime: 1 })
    await startJob('RETRY', '1')
    expect(await jobs()).toContainEqual(['2', 'RETRY', 'PENDING', 'a'.repeat(40)])
    expect(await accepted()).toBe('2')
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId: '2' }))
    expect(job!.summary).toMatchObject({ jobType: 'RETRY', commitId: 'HEAD', commitMessage: '' })
  })
})

test('a build that a webhook started is in the audit log', async () => {
  const jobId = await accepted()
  const [event] = await listAuditEvents(
    api.services.database.queries,
    { accountId: '000000000000' },
    { limit: 1 },
  )
  expect(event).toMatchObject({ operation: 'StartJob', accessKeyId: '-', statusCode: 202 })
  expect(event!.principal).toEndWith(`:apps/${branch.appId}/webhooks/${webhookId}`)
  expect(event!.resource).toEndWith(`/branches/feature/x/jobs/${jobId.padStart(10, '0')}`)
})

describe('the log of deliveries', () => {
  test('holds each call with the right token, newest first', async () => {
    await accepted(url, { headers: { 'user-agent': 'hook/1 \u00fc'.padEnd(1000, 'x') } })
    await call(`${url}&operation=none`)
    const [second, first, ...others] = await deliveries()
    expect(others).toEqual([])
    expect(first).toEqual({
      deliveryId: expect.any(String) as string,
      createTime: expect.any(Number) as number,
      remoteAddress: '127.0.0.1',
      userAgent: expect.stringMatching(/^hook\/1 .*x$/) as string,
      statusCode: 202,
      message: 'Job 1 builds the head of the branch feature/x.',
      jobId: '1',
    } as never)
    expect(first!.userAgent).toHaveLength(limits.userAgentCharactersMax)
    expect(Math.abs(first!.createTime - Date.now() / 1000)).toBeLessThan(60)
    expect(second).toMatchObject({ statusCode: 400, message: expect.stringContaining('operation') as string })
    expect(second).not.toHaveProperty('jobId')
  })

  test('keeps the newest', async () => {
    const calls = limits.webhookDeliveriesMax + 5
    for (let count = 0; count < calls; count++) await call(`${url}&operation=none`)
    expect(await deliveries()).toHaveLength(limits.webhookDeliveriesMax)
  })

  test('is its owner’s alone', async () => {
    await accepted()
    const other = await api.createKey({ accountId: '111111111111' })
    for (const response of [await readDeliveries(other), await readDeliveries(api.key, 'eu-central-1')]) {
      expect(response.status).toBe(404)
      expect(await response.json()).toEqual({ message: `Webhook ${webhookId} not found.` })
    }
    expect((await fetch(`${api.url}/_preamp/webhooks/${webhookId}/deliveries`)).status).toBe(403)
  })
})
