import { describe, expect, test } from 'bun:test'

import { buildHead } from '../../src/api/build-head.ts'
import type { AppOptions } from '../../src/model/app-options.ts'
import { findAppById } from '../../src/store/apps.ts'
import { findBranchById } from '../../src/store/branches.ts'
import { claimNextJob } from '../../src/store/claims.ts'
import { changeJob, findJobByKey, listJobs } from '../../src/store/jobs.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { storeFixture } from '../support/store-fixture.ts'

const claim = { owner: 'worker', now: 1, leaseExpiresAt: 2, accountJobsMax: 100 }

describe.each(databaseServers(requires('postgres')))('builds of a head on %s', (_name, start) => {
  const store = storeFixture(start)

  async function connectedBranch(options: Partial<AppOptions> = {}) {
    const { appId } = await store.addApp({
      options,
      settings: {
        platform: 'WEB',
        enableBranchAutoBuild: true,
        enableBasicAuth: false,
        repository: 'https://git.example/a.git',
      },
    })
    const { branchId } = await store.addBranch({ appId })
    const services = { database: store.database, jobsChanged: () => undefined, now: Date.now }
    const ask = () =>
      buildHead(services, 'webhook', async (transaction) => ({
        app: (await findAppById(transaction, appId))!,
        branch: (await findBranchById(transaction, branchId))!,
      }))
    return { branchId, ask }
  }

  test.each([
    [true, 'CANCELLING'],
    [false, 'PROVISIONING'],
  ] as const)('with cancelSuperseded %p leave the running job %s', async (cancelSuperseded, status) => {
    const { queries } = store.database
    const { ask } = await connectedBranch({ cancelSuperseded })
    const { job: first } = await ask()
    expect((await claimNextJob(store.database, claim))?.jobKey).toBe(first.jobKey)
    const { job: second } = await ask()
    expect((await findJobByKey(queries, first.jobKey))?.status).toBe(status)
    expect((await findJobByKey(queries, second.jobKey))?.status).toBe('PENDING')
    for (const { jobKey } of [first, second]) {
      await changeJob(queries, jobKey, ['CANCELLING', 'PROVISIONING', 'PENDING'], { status: 'CANCELLED' })
    }
  })

  test('asked for while jobs begin and end are one that runs and one that waits, and the last call has a build after it', async () => {
    const { database } = store
    const { branchId, ask } = await connectedBranch()
    const asked = new AbortController()
    const worker = async () => {
      while (!asked.signal.aborted) {
        const job = await claimNextJob(database, claim)
        if (!job) await Bun.sleep(1)
        else await changeJob(database.queries, job.jobKey, ['PROVISIONING'], { status: 'SUCCEED' })
      }
    }
    const working = worker()
    for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 8 }, ask))
    asked.abort()
    await working

    // Nobody claims any more: the last call's job waits, whatever ran before it.
    const { job } = await ask()
    expect(job.status).toBe('PENDING')
    const numbers = (await listJobs(database.queries, branchId, { limit: 100 })).map(({ number }) => number)
    // Calls that found a waiting job took no number.
    expect(numbers).toEqual(Array.from({ length: job.number }, (_, index) => job.number - index))
  })
})
