import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  DeleteBranchCommand,
  DeleteJobCommand,
  GetBranchCommand,
  GetJobCommand,
  type JobType,
  ListJobsCommand,
  paginateListJobs,
  StartJobCommand,
  type StartJobCommandInput,
  StopJobCommand,
} from '@aws-sdk/client-amplify'

import type { JobStatus } from '../../src/model/jobs.ts'
import { insertDeployment } from '../../src/store/deployments.ts'
import { changeJob, type JobChange } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { insertStep } from '../../src/store/steps.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { deploymentRow } from '../support/rows.ts'

let api: TestApi
let client: AmplifyClient
let branch: { appId: string; branchName: string }
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
  wakes = 0
})
afterAll(() => api.stop())

const start = async (members: Partial<StartJobCommandInput> = {}) =>
  (await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE', ...members }))).jobSummary!
const stop = async (jobId: string) =>
  (await client.send(new StopJobCommand({ ...branch, jobId }))).jobSummary!
const remove = async (jobId: string) =>
  (await client.send(new DeleteJobCommand({ ...branch, jobId }))).jobSummary!
const get = async (jobId: string) => (await client.send(new GetJobCommand({ ...branch, jobId }))).job!

const shownBranch = async () => (await client.send(new GetBranchCommand(branch))).branch!

/** The row of a job, as the worker sees it. */
async function rowOf(jobId: string): Promise<JobRow> {
  return api.services.database.queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .selectAll('jobs')
    .where('branches.appId', '=', branch.appId)
    .where('jobs.number', '=', Number(jobId))
    .executeTakeFirstOrThrow()
}

/** What a worker does to the job. */
async function move(jobId: string, status: JobStatus, change: JobChange = {}): Promise<JobRow> {
  const row = await rowOf(jobId)
  const { queries } = api.services.database
  return (await changeJob(queries, row.jobKey, [row.status], { status, ...change }))!
}

const fails = (name: string, message: string) =>
  expect.objectContaining({ name, message: expect.stringContaining(message) as string })

describe('StartJob', () => {
  test('answers a pending job of the head, and wakes the worker', async () => {
    const summary = await start({ commitMessage: 'mine', commitId: 'abc' })
    expect(summary).toEqual({
      jobArn: `arn:aws:amplify:us-east-1:000000000000:apps/${branch.appId}/branches/feature/x/jobs/0000000001`,
      jobId: '1',
      commitId: 'HEAD',
      commitMessage: 'mine',
      commitTime: summary.startTime!,
      startTime: summary.startTime,
      status: 'PENDING',
      jobType: 'RELEASE',
    })
    expect(wakes).toBe(1)
    expect((await rowOf('1')).commitId).toBeNull()
  })

  test('answers a busy branch as AWS does', async () => {
    await start()
    const busy = fails(
      'LimitExceededException',
      'The requested branch feature/x already have pending or running jobs',
    )
    await expect(start()).rejects.toEqual(busy)
    await move('1', 'RUNNING')
    await expect(start({ jobType: 'WEB_HOOK' })).rejects.toEqual(busy)
    await move('1', 'SUCCEED')
    expect((await start({ jobType: 'WEB_HOOK' })).jobId).toBe('2')
  })

  test('lets one of several calls at once win', async () => {
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => start()))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ name: 'LimitExceededException' })
    }
  })

  test('runs the commit of another job again, under a new number', async () => {
    await start()
    await move('1', 'FAILED', { commitId: 'c0ffee', commitMessage: 'first', commitTime: 1000 })
    expect(await start({ jobType: 'RETRY', jobId: '0000000001' })).toMatchObject({
      jobId: '2',
      jobType: 'RETRY',
      commitId: 'c0ffee',
      commitMessage: 'first',
      commitTime: new Date(1000),
    })
  })

  test.each([
    [{ jobType: 'MANUAL' }, 'BadRequestException', 'The requested jobType MANUAL does not support.'],
    [{ jobType: 'RETRY' }, 'BadRequestException', 'Must specify jobId'],
    [{ jobType: 'RETRY', jobId: '7' }, 'NotFoundException', 'Job 7 not found.'],
    [{ branchName: 'nope' }, 'NotFoundException', 'Branch nope not found.'],
  ] as [{ jobType?: JobType }, string, string][])('refuses %j', async (members, name, message) => {
    await expect(start(members)).rejects.toEqual(fails(name, message))
  })

  test('refuses an app without a repository', async () => {
    const { app } = await client.send(new CreateAppCommand({ name: 'manual' }))
    branch = { appId: app!.appId!, branchName: 'main' }
    await client.send(new CreateBranchCommand(branch))
    await expect(start()).rejects.toEqual(fails('BadRequestException', 'not connected to a repository'))
  })
})

describe('StopJob', () => {
  test('cancels at once what has not started, and frees the branch', async () => {
    await start()
    const stopped = await stop('1')
    expect(stopped).toMatchObject({ status: 'CANCELLED' })
    expect(stopped.endTime).toBeInstanceOf(Date)
    expect((await start()).jobId).toBe('2')
  })

  test.each(['PROVISIONING', 'RUNNING', 'CANCELLING'] as const)(
    'marks a %s job for its worker',
    async (status) => {
      await start()
      await move('1', status)
      wakes = 0
      expect(await stop('1')).toMatchObject({ status: 'CANCELLING' })
      expect(wakes).toBe(1)
    },
  )

  test('refuses a finished job', async () => {
    await start()
    await move('1', 'SUCCEED')
    await expect(stop('1')).rejects.toEqual(fails('BadRequestException', 'Job 1 is SUCCEED'))
  })
})

describe('DeleteJob', () => {
  test.each(['PENDING', 'FAILED', 'SUCCEED', 'CANCELLED'] as const)('removes a %s job', async (status) => {
    await start()
    await move('1', status)
    expect(await remove('1')).toMatchObject({ jobId: '1', status })
    const notFound = fails('NotFoundException', 'Job 1 not found.')
    await expect(get('1')).rejects.toEqual(notFound)
    await expect(remove('1')).rejects.toEqual(notFound)
    await expect(stop('1')).rejects.toEqual(notFound)
    expect((await client.send(new ListJobsCommand(branch))).jobSummaries).toEqual([])
    expect((await start()).jobId).toBe('2')
  })

  test.each(['PROVISIONING', 'RUNNING', 'CANCELLING'] as const)(
    'refuses a %s job with advice, and leaves it whole',
    async (status) => {
      await start()
      const job = await move('1', status)
      const { jobKey } = job
      const { queries } = api.services.database
      await insertDeployment(queries, deploymentRow(job))
      await expect(remove('1')).rejects.toEqual(fails('BadRequestException', `Job 1 is ${status}`))
      expect((await get('1')).summary!.status).toBe(status)
      expect(
        await queries.selectFrom('deployments').where('jobKey', '=', jobKey).selectAll().execute(),
      ).toHaveLength(1)
    },
  )

  test('keeps the live deployment, without its job', async () => {
    await start()
    const job = await move('1', 'SUCCEED')
    const { branchId, deploymentId } = job
    const { queries } = api.services.database
    const row = deploymentRow(job)
    await insertDeployment(queries, row)
    await queries
      .updateTable('branches')
      .set({ activeDeploymentId: deploymentId })
      .where('branchId', '=', branchId)
      .execute()
    expect(await shownBranch()).toMatchObject({ activeJobId: '0000000001', totalNumberOfJobs: '1' })
    await remove('0000000001')
    expect(await shownBranch()).toMatchObject({ activeJobId: '', totalNumberOfJobs: '0' })
    const kept = await queries
      .selectFrom('deployments')
      .selectAll()
      .where('deploymentId', '=', deploymentId)
      .execute()
    expect(kept).toEqual([{ ...row, jobKey: null }])
  })
})

describe('GetJob', () => {
  test('shows steps with their URLs while they are at work and afterwards', async () => {
    await start()
    const { jobKey } = await move('1', 'RUNNING', { startedAt: 1000 })
    await insertStep(api.services.database.queries, {
      jobKey,
      name: 'BUILD',
      position: 0,
      status: 'RUNNING',
      statusReason: null,
      context: 'bubblewrap',
      startedAt: 2000,
      endedAt: null,
      logSha: null,
    })
    const { summary, steps } = await get('0000000001')
    expect(summary).toMatchObject({ jobId: '1', status: 'RUNNING', startTime: new Date(1000) })
    expect(steps).toHaveLength(1)
    expect(steps![0]).toMatchObject({ stepName: 'BUILD', status: 'RUNNING', context: 'bubblewrap' })
    expect(steps![0]!.logUrl).toStartWith(
      `${api.url}/_preamp/transfers/${branch.appId}/feature%2Fx/0000000001/BUILD/log.txt?`,
    )
    expect(steps![0]!.artifactsUrl).toBeUndefined()
  })

  test('says why a job failed before its first step', async () => {
    await start()
    await move('1', 'FAILED', { statusReason: 'The host is down.', endedAt: 3000 })
    expect((await get('1')).steps).toMatchObject([
      { stepName: 'BUILD', status: 'FAILED', statusReason: 'The host is down.' },
    ])
  })

  test.each(['0', '2', '99999999999999999999'])('does not find job %s', async (jobId) => {
    await start()
    await expect(get(jobId)).rejects.toEqual(fails('NotFoundException', `Job ${jobId} not found.`))
  })
})

describe('ListJobs', () => {
  test('shows the newest first, in pages that hold while jobs come and go', async () => {
    for (let jobs = 0; jobs < 5; jobs++) await stop((await start()).jobId!)
    const seen: (string | undefined)[] = []
    for await (const page of paginateListJobs({ client, pageSize: 2 }, { ...branch })) {
      seen.push(...page.jobSummaries!.map((job) => job.jobId))
      if (seen.length !== 2) continue
      await remove('4')
      await start()
    }
    expect(seen).toEqual(['5', '4', '3', '2', '1'])
    const newest = await client.send(new ListJobsCommand({ ...branch, maxResults: 1 }))
    expect(newest.jobSummaries).toMatchObject([{ jobId: '6' }])
  })

  test('refuses a token whose cursor is no number of a job, which PostgreSQL would fail on', async () => {
    await stop((await start()).jobId!)
    await stop((await start()).jobId!)
    const { nextToken } = await client.send(new ListJobsCommand({ ...branch, maxResults: 1 }))
    const [binding] = JSON.parse(Buffer.from(nextToken!, 'base64url').toString()) as [string]
    for (const before of [1.5, 1e300]) {
      const forged = Buffer.from(JSON.stringify([binding, { before }])).toString('base64url')
      await expect(client.send(new ListJobsCommand({ ...branch, nextToken: forged }))).rejects.toEqual(
        fails('BadRequestException', 'nextToken'),
      )
    }
  })

  test('refuses the token of a branch that was made anew', async () => {
    await stop((await start()).jobId!)
    await stop((await start()).jobId!)
    const { nextToken } = await client.send(new ListJobsCommand({ ...branch, maxResults: 1 }))
    await client.send(new DeleteBranchCommand(branch))
    await client.send(new CreateBranchCommand(branch))
    expect((await start()).jobId).toBe('1')
    await expect(client.send(new ListJobsCommand({ ...branch, nextToken }))).rejects.toEqual(
      fails('BadRequestException', 'nextToken'),
    )
  })
})
