import { describe, expect, test } from 'bun:test'

import { jobStatuses, runningStatuses, waitingStatuses } from '../../src/model/jobs.ts'
import { takeJobNumber } from '../../src/store/branches.ts'
import { claimNextJob } from '../../src/store/claims.ts'
import { type Database, isUniqueViolation, openDatabase } from '../../src/store/database.ts'
import {
  changeJob,
  deleteJob,
  findJobByKey,
  insertJob,
  listAbandonedUploads,
  listCancelling,
  listExpiredLeases,
  listUnfinishedJobs,
  renewLease,
  takeExpiredLease,
} from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { jobRow } from '../support/rows.ts'
import { storeFixture, violation } from '../support/store-fixture.ts'

const claimOf = (owner: string, now = 1000, accountJobsMax = 1000) => ({
  owner,
  now,
  leaseExpiresAt: now + 30_000,
  accountJobsMax,
})

const key = ({ jobKey }: JobRow) => jobKey

describe.each(databaseServers(requires('postgres')))('the queue on %s', (_name, start) => {
  const store = storeFixture(start)

  const now = (job: JobRow) => findJobByKey(store.database.queries, job.jobKey)

  /** Claims until nothing waits, so that the next test begins with an empty queue. */
  async function claimAll(database = store.database): Promise<JobRow[]> {
    const claimed: JobRow[] = []
    for (;;) {
      const job = await claimNextJob(database, claimOf('emptier'))
      if (!job) return claimed
      claimed.push(job)
    }
  }

  describe('a branch', () => {
    test.each(runningStatuses.flatMap((one) => runningStatuses.map((other) => [one, other] as const)))(
      'has one running job: %s beside %s is refused',
      async (one, other) => {
        const { branchId } = await store.addBranch()
        await insertJob(store.database.queries, jobRow(branchId, 1, { status: one }))
        const second = jobRow(branchId, 2, { status: other })
        expect(await violation(insertJob(store.database.queries, second))).toBe('unique')
      },
    )

    test.each(waitingStatuses.flatMap((one) => waitingStatuses.map((other) => [one, other] as const)))(
      'has one waiting job: %s beside %s is refused',
      async (one, other) => {
        const { branchId } = await store.addBranch()
        await insertJob(store.database.queries, jobRow(branchId, 1, { status: one }))
        const second = jobRow(branchId, 2, { status: other })
        expect(await violation(insertJob(store.database.queries, second))).toBe('unique')
        await claimAll()
      },
    )

    test('has one of each, and any number that are finished', async () => {
      const { branchId } = await store.addBranch()
      const statuses = ['FAILED', 'FAILED', 'SUCCEED', 'SUCCEED', 'CANCELLED', 'RUNNING', 'CREATED'] as const
      for (const status of statuses) await store.addJob({ branchId, status })
      const unfinished = await listUnfinishedJobs(store.database.queries, branchId)
      expect(unfinished.map(({ status }) => status)).toEqual(['CREATED', 'RUNNING'])
    })

    test('never has two jobs of one number, and never a number twice', async () => {
      const { branchId } = await store.addBranch()
      const numbers = []
      for (let round = 0; round < 3; round++) {
        const job = await store.addJob({ branchId })
        numbers.push(job.number)
        const same = jobRow(branchId, job.number, { status: 'FAILED' })
        expect(await violation(insertJob(store.database.queries, same))).toBe('unique')
        expect(
          await store.database.transaction((transaction) => deleteJob(transaction, job.jobKey, ['SUCCEED'])),
        ).toBe(true)
      }
      expect(numbers).toEqual([1, 2, 3])
    })

    test('that is gone gets no job number', async () => {
      await expect(
        store.database.transaction((transaction) => takeJobNumber(transaction, 'unknown')),
      ).rejects.toThrow()
    })
  })

  describe('a claim', () => {
    test('takes the oldest waiting job, and leaves its mark', async () => {
      await claimAll()
      const younger = await store.addJob({ status: 'PENDING', createdAt: 20 })
      const older = await store.addJob({ status: 'PENDING', createdAt: 10 })
      await store.addJob({ status: 'CREATED', createdAt: 1 })
      const claim = claimOf('worker-1', 5000)
      expect(await claimNextJob(store.database, claim)).toEqual({
        ...older,
        status: 'PROVISIONING',
        leaseOwner: 'worker-1',
        leaseExpiresAt: 35_000,
        startedAt: 5000,
        claims: 1,
      })
      expect((await claimNextJob(store.database, claim))?.jobKey).toBe(younger.jobKey)
      expect(await claimNextJob(store.database, claim)).toBeUndefined()
    })

    test('passes over accounts that have as many jobs at work as they may', async () => {
      await claimAll()
      const waiting = async (accountId: string) => {
        const { appId } = await store.addApp({ accountId })
        const { branchId } = await store.addBranch({ appId })
        return store.addJob({ branchId, status: 'PENDING' })
      }
      const many = [
        await waiting('555555555555'),
        await waiting('555555555555'),
        await waiting('555555555555'),
      ]
      const other = await waiting('666666666666')
      const claim = async () => (await claimNextJob(store.database, claimOf('worker', 1000, 2)))?.jobKey
      const claimed = [await claim(), await claim(), await claim()]
      expect(claimed).toContain(other.jobKey)
      expect(claimed.filter((jobKey) => many.some((job) => job.jobKey === jobKey))).toHaveLength(2)
      expect(await claim()).toBeUndefined()
      const ended = many.find(({ jobKey }) => claimed.includes(jobKey))!
      await changeJob(store.database.queries, ended.jobKey, ['PROVISIONING'], { status: 'SUCCEED' })
      expect(many.map(key)).toContain((await claim())!)
    })

    test('gives apps their turns, however many jobs one has waiting', async () => {
      await claimAll()
      const names = new Map<string, string>()
      const queueJobs = async (name: string, count: number) => {
        const { appId } = await store.addApp()
        for (let at = 1; at <= count; at++) {
          const { branchId } = await store.addBranch({ appId, name: `${name}${at}` })
          const job = await store.addJob({ branchId, status: 'PENDING', createdAt: at })
          names.set(job.jobKey, `${name}${at}`)
        }
      }
      await queueJobs('a', 4)
      await queueJobs('b', 2)
      const order: string[] = []
      for (let time = 1000; time < 1006; time++) {
        const job = await claimNextJob(store.database, claimOf('worker', time))
        order.push(names.get(job!.jobKey)!)
        await changeJob(store.database.queries, job!.jobKey, ['PROVISIONING'], { status: 'SUCCEED' })
      }
      expect(order.slice(0, 4).filter((name) => name.startsWith('b'))).toEqual(['b1', 'b2'])
      expect(order[0]![0]).not.toBe(order[1]![0])
      expect(order.slice(4)).toEqual(['a3', 'a4'])
    })

    test('prefers the app with fewer jobs at work', async () => {
      await claimAll()
      const [busy, idle] = [await store.addApp(), await store.addApp()]
      const inApp = async (appId: string, status: 'RUNNING' | 'PENDING', createdAt: number) => {
        const { branchId } = await store.addBranch({ appId, name: `${status}${createdAt}` })
        return store.addJob({ branchId, status, createdAt })
      }
      await inApp(busy.appId, 'RUNNING', 1)
      const older = await inApp(busy.appId, 'PENDING', 2)
      const younger = await inApp(idle.appId, 'PENDING', 3)
      expect((await claimNextJob(store.database, claimOf('worker')))?.jobKey).toBe(younger.jobKey)
      expect((await claimNextJob(store.database, claimOf('worker')))?.jobKey).toBe(older.jobKey)
    })

    test('of one account from eight connections at once keeps to what it may have', async () => {
      await claimAll()
      const accountId = '777777777777'
      for (let at = 0; at < 12; at++) {
        const { appId } = await store.addApp({ accountId })
        const { branchId } = await store.addBranch({ appId })
        await store.addJob({ branchId, status: 'PENDING' })
      }
      const databases = await Promise.all(Array.from({ length: 8 }, () => openDatabase(store.url)))
      try {
        const claims = await Promise.all(
          databases.flatMap((database) =>
            [1, 2].map(() => claimNextJob(database, claimOf('worker', 1000, 3)).catch(busyAsNone)),
          ),
        )
        expect(claims.filter((job) => job !== undefined)).toHaveLength(3)
      } finally {
        await Promise.all(databases.map((database) => database.close()))
      }
      await claimAll()
    })

    test('keeps the time at which a requeued job first began, and counts', async () => {
      await claimAll()
      await store.addJob({ status: 'PENDING', startedAt: 77, claims: 2 })
      expect(await claimNextJob(store.database, claimOf('worker'))).toMatchObject({
        startedAt: 77,
        claims: 3,
      })
    })

    test('passes over branches that are busy until they are not', async () => {
      await claimAll()
      const running = await store.addJob({ status: 'RUNNING' })
      const waiting = await store.addJob({ branchId: running.branchId, status: 'PENDING', createdAt: 1 })
      const other = await store.addJob({ status: 'PENDING', createdAt: 9 })
      expect((await claimNextJob(store.database, claimOf('worker')))?.jobKey).toBe(other.jobKey)
      expect(await claimNextJob(store.database, claimOf('worker'))).toBeUndefined()
      await changeJob(store.database.queries, running.jobKey, ['RUNNING'], { status: 'SUCCEED' })
      expect((await claimNextJob(store.database, claimOf('worker')))?.jobKey).toBe(waiting.jobKey)
    })

    test('of the same moment goes by the key, the same way for everyone', async () => {
      await claimAll()
      const jobs = []
      for (let index = 0; index < 5; index++) {
        jobs.push(await store.addJob({ status: 'PENDING', createdAt: 3 }))
      }
      expect((await claimAll()).map(key)).toEqual(jobs.map(key).toSorted())
    })

    test('of eight connections at once gives each job to one of them', async () => {
      await claimAll()
      const connections = await Promise.all(Array.from({ length: 8 }, () => openDatabase(store.url)))
      try {
        const jobs = []
        for (let index = 0; index < 40; index++) jobs.push(await store.addJob({ status: 'PENDING' }))
        const claimed = await Promise.all(
          connections.map((database, index) => claimWhileAnyWaits(database, `worker-${index}`)),
        )
        expect(claimed.flat().map(key).toSorted()).toEqual(jobs.map(key).toSorted())
        for (const [index, mine] of claimed.entries()) {
          for (const job of mine) {
            expect(await now(job)).toMatchObject({
              status: 'PROVISIONING',
              leaseOwner: `worker-${index}`,
              claims: 1,
            })
          }
        }
      } finally {
        await Promise.all(connections.map((connection) => connection.close()))
      }
    })

    test('of eight connections for the one place of a branch is won by one', async () => {
      await claimAll()
      const connections = await Promise.all(Array.from({ length: 8 }, () => openDatabase(store.url)))
      try {
        const { branchId } = await store.addBranch()
        for (let round = 0; round < 10; round++) {
          const job = await store.addJob({ branchId, status: 'PENDING' })
          const claimed = await Promise.all(
            connections.map((database, index) => claimOrBusy(database, `worker-${index}`)),
          )
          expect(claimed.filter((each) => each !== undefined).map(key)).toEqual([job.jobKey])
          await changeJob(store.database.queries, job.jobKey, ['PROVISIONING'], { status: 'SUCCEED' })
        }
      } finally {
        await Promise.all(connections.map((connection) => connection.close()))
      }
    })
  })

  describe('a lease', () => {
    test('is renewed by its owner alone', async () => {
      const job = await store.addJob({ status: 'RUNNING', leaseOwner: 'mine', leaseExpiresAt: 10 })
      expect(await renewLease(store.database.queries, job.jobKey, 'mine', 50)).toBe(true)
      expect(await renewLease(store.database.queries, job.jobKey, 'other', 90)).toBe(false)
      expect(await renewLease(store.database.queries, 'unknown', 'mine', 90)).toBe(false)
      expect((await now(job))?.leaseExpiresAt).toBe(50)
      await changeJob(store.database.queries, job.jobKey, ['RUNNING'], { status: 'SUCCEED' })
    })

    test('that ran out is found for every running status, and for no other', async () => {
      const expected: JobRow[] = []
      for (const status of jobStatuses) {
        const isRunning = (runningStatuses as readonly string[]).includes(status)
        const expired = await store.addJob({ status, leaseOwner: 'dead', leaseExpiresAt: 2_000_000 - 1 })
        const missing = await store.addJob({ status })
        await store.addJob({ status, leaseOwner: 'alive', leaseExpiresAt: 2_000_000 })
        if (isRunning) expected.push(expired, missing)
      }
      const found = new Set((await listExpiredLeases(store.database.queries, 2_000_000)).map(key))
      expect(expected.filter((job) => !found.has(job.jobKey))).toEqual([])
      for (const job of await listExpiredLeases(store.database.queries, 2_000_000)) {
        expect(runningStatuses as readonly string[]).toContain(job.status)
        expect(job.leaseExpiresAt ?? 0).toBeLessThan(2_000_000)
      }
      await claimAll()
    })

    test('that ran out is taken over by one of many', async () => {
      const job = await store.addJob({ status: 'RUNNING', leaseOwner: 'dead', leaseExpiresAt: 10 })
      const takers = Array.from({ length: 8 }, (_, index) => `taker-${index}`)
      const taken = await Promise.all(
        takers.map((owner) => takeExpiredLease(store.database.queries, job, claimOf(owner))),
      )
      expect(taken.filter(Boolean)).toHaveLength(1)
      expect((await now(job))?.leaseOwner).toBe(takers[taken.indexOf(true)])
      expect(await renewLease(store.database.queries, job.jobKey, 'dead', 99)).toBe(false)
    })

    test('is not taken over while it holds, nor when the job has ended', async () => {
      const held = await store.addJob({ status: 'RUNNING', leaseOwner: 'alive', leaseExpiresAt: 5000 })
      const ended = await store.addJob({ status: 'SUCCEED', leaseOwner: 'dead', leaseExpiresAt: 10 })
      for (const job of [held, ended]) {
        expect(await takeExpiredLease(store.database.queries, job, claimOf('taker'))).toBe(false)
      }
    })
  })

  describe('a change of a job', () => {
    test('is made only from the statuses that it names, for the owner that it names', async () => {
      const job = await store.addJob({ status: 'RUNNING', leaseOwner: 'mine', leaseExpiresAt: 10 })
      const { queries } = store.database
      expect(
        await changeJob(queries, job.jobKey, ['PENDING', 'CREATED'], { status: 'FAILED' }),
      ).toBeUndefined()
      expect(await changeJob(queries, job.jobKey, [], { status: 'FAILED' })).toBeUndefined()
      expect(await changeJob(queries, job.jobKey, ['RUNNING'], { status: 'FAILED' }, 'other')).toBeUndefined()
      expect(await changeJob(queries, 'unknown', ['RUNNING'], { status: 'FAILED' })).toBeUndefined()
      expect(await now(job)).toEqual(job)
      const change = { status: 'SUCCEED', endedAt: 9, leaseOwner: null, commandsStarted: true } as const
      const changed = await changeJob(queries, job.jobKey, ['PROVISIONING', 'RUNNING'], change, 'mine')
      expect(changed).toEqual({ ...job, ...change })
      expect(await now(job)).toEqual(changed)
    })

    test('and another of the same job at the same time: one wins', async () => {
      for (let round = 0; round < 10; round++) {
        const job = await store.addJob({ status: 'RUNNING' })
        const ends = (['CANCELLING', 'SUCCEED', 'FAILED'] as const).map((status) =>
          changeJob(store.database.queries, job.jobKey, ['RUNNING'], { status }),
        )
        const won = (await Promise.all(ends)).filter((each) => each !== undefined)
        expect(won).toHaveLength(1)
        expect(await now(job)).toEqual(won[0])
      }
    })

    test('back to waiting is refused while another job waits', async () => {
      const job = await store.addJob({ status: 'PROVISIONING' })
      await store.addJob({ branchId: job.branchId, status: 'CREATED' })
      const requeue = changeJob(store.database.queries, job.jobKey, ['PROVISIONING'], { status: 'PENDING' })
      expect(await violation(requeue)).toBe('unique')
      expect(await now(job)).toEqual(job)
    })
  })

  test('deletes a job only from the statuses that are named', async () => {
    const job = await store.addJob({ status: 'RUNNING' })
    const remove = (from: JobRow['status'][]) =>
      store.database.transaction((transaction) => deleteJob(transaction, job.jobKey, from))
    expect(await remove(['PENDING', 'SUCCEED'])).toBe(false)
    expect(await now(job)).toEqual(job)
    expect(await remove(['RUNNING'])).toBe(true)
    expect(await now(job)).toBeUndefined()
    expect(await remove(['RUNNING'])).toBe(false)
  })

  test('lists what a worker is asked to stop, and uploads that nobody finished', async () => {
    const { queries } = store.database
    const stopping = await store.addJob({ status: 'CANCELLING', leaseOwner: 'asked' })
    await store.addJob({ status: 'CANCELLING', leaseOwner: 'another' })
    await store.addJob({ status: 'RUNNING', leaseOwner: 'asked' })
    expect(await listCancelling(queries, 'asked')).toEqual([stopping])
    const abandoned = await store.addJob({ status: 'CREATED', createdAt: -10 })
    await store.addJob({ status: 'CREATED', createdAt: -5 })
    await store.addJob({ status: 'PENDING', createdAt: -10 })
    expect(await listAbandonedUploads(queries, -5)).toEqual([abandoned])
  })
})

function busyAsNone(error: unknown): undefined {
  if (!isUniqueViolation(error)) throw error
}

async function claimOrBusy(database: Database, owner: string): Promise<JobRow | undefined> {
  try {
    return await claimNextJob(database, claimOf(owner))
  } catch (error) {
    if (isUniqueViolation(error)) return undefined
    throw error
  }
}

/** As the worker does: a claim that another was faster for is tried again. */
async function claimWhileAnyWaits(database: Database, owner: string): Promise<JobRow[]> {
  const claimed: JobRow[] = []
  for (let emptyClaims = 0; emptyClaims < 3;) {
    const job = await claimOrBusy(database, owner)
    if (job) claimed.push(job)
    else emptyClaims++
  }
  return claimed
}
