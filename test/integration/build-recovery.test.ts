import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { limits } from '../../src/model/limits.ts'
import { insertDeployment } from '../../src/store/deployments.ts'
import { changeJob } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { insertStep } from '../../src/store/steps.ts'
import { createSiteRepository, type TestRepository } from '../support/git-repository.ts'
import { hangingProcesses, type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires } from '../support/requires.ts'
import { stepRow } from '../support/rows.ts'
import { waitFor } from '../support/wait-for.ts'

let runs: JobRuns | undefined
const repositories: TestRepository[] = []

afterEach(async () => {
  await runs?.close()
  runs = undefined
  for (const repository of repositories.splice(0)) repository.remove()
})

async function site(name: string): Promise<string> {
  const repository = await createSiteRepository(name)
  repositories.push(repository)
  return repository.url
}

const executors = [
  ['process', true],
  ['bubblewrap', requires('bwrap')],
] as const

describe.each(executors.filter(([, there]) => there).map(([name]) => name))(
  'a worker with %s that is killed',
  (executor) => {
    test('leaves a job that its successor ends, with its processes', async () => {
      runs = await openJobRuns({ executor, idle: true })
      const branchId = await runs.addApp({ repository: await site('hangs') })
      const jobKey = await runs.start(branchId)
      const child = Bun.spawn(
        [process.execPath, join(import.meta.dir, '../support/worker-process.ts'), runs.folder, executor],
        {
          stdout: 'ignore',
          stderr: 'inherit',
        },
      )
      await waitFor('the build in the other process', 20, () => hangingProcesses().length >= 2)
      await waitFor('its log', 10, async () => (await runs!.log(jobKey, 'BUILD')).includes('hanging'))
      child.kill('SIGKILL')
      await child.exited

      runs.worker.start()
      const job = await runs.finish(jobKey)
      expect(job).toMatchObject({
        status: 'FAILED',
        statusReason: 'The server that ran the job ended before it was done.',
        leaseOwner: null,
      })
      expect(hangingProcesses().length).toBe(0)
      expect(await runs.steps(jobKey)).toMatchObject([
        { name: 'BUILD', status: 'FAILED', endedAt: expect.any(Number) },
      ])
      expect(await runs.log(jobKey, 'BUILD')).toContain('[INFO]: hanging')
      expect(existsSync(join(runs.workRoot, jobKey))).toBe(false)
    }, 60_000)
  },
)

/** A job as a dead worker left it. */
async function left(job: Partial<JobRow>, others: Partial<JobRow>[] = []): Promise<string> {
  runs = await openJobRuns({ executor: 'process', idle: true })
  const branchId = await runs.addApp({ repository: await site('plain') })
  const jobKey = await runs.start(branchId, {
    status: 'RUNNING',
    leaseOwner: 'dead',
    leaseExpiresAt: Date.now() + 60_000,
    claims: 1,
    startedAt: Date.now(),
    ...job,
  })
  for (const other of others) await runs.start(branchId, other)
  await insertStep(runs.database.queries, stepRow(jobKey, 'BUILD', { startedAt: Date.now() }))
  return jobKey
}

describe('a job whose worker is dead', () => {
  test('starts over when none of its commands ran', async () => {
    const jobKey = await left({ status: 'PROVISIONING' })
    runs!.worker.start()
    expect(await runs!.finish(jobKey)).toMatchObject({ status: 'SUCCEED', claims: 2 })
    expect((await runs!.steps(jobKey)).map(({ status }) => status)).toEqual(['SUCCEED', 'SUCCEED', 'SUCCEED'])
  })

  test('does not start over for ever', async () => {
    const jobKey = await left({ claims: limits.claimAttemptsMax })
    runs!.worker.start()
    expect(await runs!.finish(jobKey)).toMatchObject({
      status: 'FAILED',
      statusReason: expect.stringContaining('It was tried 3 times'),
    })
  })

  test('does not start over when another waits on the branch already', async () => {
    const jobKey = await left({}, [{}])
    runs!.worker.start()
    expect(await runs!.finish(jobKey)).toMatchObject({
      status: 'FAILED',
      statusReason: expect.stringContaining('job 2 waits on the branch'),
    })
  })

  test('is CANCELLED when it was to be stopped', async () => {
    const jobKey = await left({ status: 'CANCELLING', commandsStarted: true })
    runs!.worker.start()
    expect((await runs!.finish(jobKey)).status).toBe('CANCELLED')
    expect(await runs!.steps(jobKey)).toMatchObject([{ status: 'CANCELLED', endedAt: expect.any(Number) }])
  })

  test.each(['RUNNING', 'CANCELLING'] as const)(
    'and %s has succeeded when its deployment is live',
    async (status) => {
      const jobKey = await left({ status, commandsStarted: true })
      const job = (await runs!.job(jobKey))!
      const { branchId, deploymentId } = job
      await insertDeployment(runs!.database.queries, {
        deploymentId,
        branchId,
        jobKey,
        manifestSha: 'x',
        files: 1,
        bytes: 1,
        createdAt: 0,
        replacedAt: null,
        skewProtected: false,
      })
      await runs!.database.queries.updateTable('branches').set({ activeDeploymentId: deploymentId }).execute()
      runs!.worker.start()
      expect((await runs!.finish(jobKey)).status).toBe('SUCCEED')
    },
  )

  test('of another machine is taken over only once its lease has ended', async () => {
    const jobKey = await left({ status: 'PROVISIONING' })
    runs!.worker.start()
    await runs!.finish(jobKey)
    const other = await runs!.start((await runs!.job(jobKey))!.branchId, {
      status: 'RUNNING',
      leaseOwner: 'elsewhere',
      leaseExpiresAt: Date.now() + 700,
      commandsStarted: true,
    })
    expect((await runs!.job(other))?.status).toBe('RUNNING')
    const job = await runs!.finish(other)
    expect(job.status).toBe('FAILED')
    expect(job.endedAt!).toBeGreaterThanOrEqual(job.createdAt + 700)
  })
})

test('folders of builds that no job remembers are removed at start', async () => {
  runs = await openJobRuns({ executor: 'process', idle: true })
  const orphan = join(runs.workRoot, 'deleted-job')
  mkdirSync(join(orphan, 'build'), { recursive: true })
  writeFileSync(join(orphan, 'BUILD.log'), 'x')
  runs.worker.start()
  await waitFor('the folder to be removed', 5, () => !existsSync(orphan))
})

test('deployments that were created and never started fail after eight hours', async () => {
  runs = await openJobRuns({ executor: 'process' })
  const branchId = await runs.addApp({})
  const jobKey = await runs.start(branchId, {
    type: 'MANUAL',
    status: 'CREATED',
    createdAt: Date.now() - 9 * 3600_000,
  })
  const fresh = await runs.start(await runs.addApp({}), { type: 'MANUAL', status: 'CREATED' })
  expect((await runs.finish(jobKey)).statusReason).toMatch(/not started within 8 hours/)
  expect((await runs.job(fresh))?.status).toBe('CREATED')
})

describe('a worker', () => {
  test('has no more jobs at work than it may', async () => {
    runs = await openJobRuns({ executor: 'process', concurrency: 1 })
    const repository = await site('hangs')
    const first = await runs.start(await runs.addApp({ repository }))
    await runs.waitForStatus(first, 'RUNNING')
    const second = await runs.start(await runs.addApp({ repository: await site('plain') }))
    await waitFor('some looks at the jobs', 5, () => hangingProcesses().length >= 2)
    expect((await runs.job(second))?.status).toBe('PENDING')
    await runs.stop(first)
    expect((await runs.finish(first)).status).toBe('CANCELLED')
    expect((await runs.finish(second)).status).toBe('SUCCEED')
  })

  test('begins no job while the disk is short, and goes on when there is room', async () => {
    let looks = 0
    let shortage: string | undefined = 'The disk is short.'
    runs = await openJobRuns({
      executor: 'process',
      shortage: async () => {
        looks++
        return shortage
      },
    })
    const jobKey = await runs.start(await runs.addApp({ repository: await site('plain') }))
    await waitFor('some looks at the jobs', 10, () => looks > 2)
    expect((await runs.job(jobKey))?.status).toBe('PENDING')
    shortage = undefined
    expect((await runs.finish(jobKey)).status).toBe('SUCCEED')
  })

  test('that is stopped ends its builds with the reason and leaves what waits', async () => {
    runs = await openJobRuns({ executor: 'process', concurrency: 1 })
    const first = await runs.start(await runs.addApp({ repository: await site('hangs') }))
    await waitFor('the build', 20, () => hangingProcesses().length >= 2)
    const second = await runs.start(await runs.addApp({ repository: await site('plain') }))
    await runs.worker.stop()
    expect(await runs.job(first)).toMatchObject({
      status: 'FAILED',
      statusReason: 'The server was stopped while the job ran.',
    })
    expect(await runs.log(first, 'BUILD')).toContain('hanging')
    expect((await runs.job(second))?.status).toBe('PENDING')
    expect(hangingProcesses().length).toBe(0)
  })

  test('that lost its job to another stops, and changes nothing of it', async () => {
    runs = await openJobRuns({ executor: 'process' })
    const jobKey = await runs.start(await runs.addApp({ repository: await site('hangs') }))
    await waitFor('the build', 20, () => hangingProcesses().length >= 2)
    await changeJob(runs.database.queries, jobKey, ['RUNNING'], {
      leaseOwner: 'another',
      leaseExpiresAt: Date.now() + 600_000,
    })
    await waitFor('the build to end', 10, () => hangingProcesses().length === 0)
    await waitFor('its folder to be removed', 5, () => !existsSync(join(runs!.workRoot, jobKey)))
    expect(await runs.job(jobKey)).toMatchObject({ status: 'RUNNING', leaseOwner: 'another' })
    expect(await runs.steps(jobKey)).toMatchObject([{ status: 'RUNNING', endedAt: null }])
  })
})
