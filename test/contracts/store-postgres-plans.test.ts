import { beforeAll, describe, expect, test } from 'bun:test'

import { NoResultError } from 'kysely'

import { findAccessKey } from '../../src/store/access-keys.ts'
import { findApp, listApps } from '../../src/store/apps.ts'
import { findBranchOverviews } from '../../src/store/branch-overview.ts'
import { findBranch, listBranches, takeJobNumber } from '../../src/store/branches.ts'
import { takeNextJob } from '../../src/store/claims.ts'
import type { Queries, Transaction } from '../../src/store/database.ts'
import { findDeploymentOfJob, findSite } from '../../src/store/deployments.ts'
import {
  changeJob,
  countRunningJobs,
  countWaitingJobs,
  deleteJob,
  findJob,
  listAbandonedUploads,
  listCancelling,
  listExpiredLeases,
  listJobs,
  listUnfinishedJobs,
  renewLease,
} from '../../src/store/jobs.ts'
import type { BranchRow } from '../../src/store/schema.ts'
import { listSteps } from '../../src/store/steps.ts'
import { compiledQueries } from '../support/compiled-queries.ts'
import { insertManyApps, insertManyJobs } from '../support/many-rows.ts'
import { startPostgres } from '../support/postgres.ts'
import { requires } from '../support/requires.ts'
import { storeFixture } from '../support/store-fixture.ts'

const size = { apps: 2000, jobs: 20_000 }
const scope = { accountId: '000000000000', region: 'us-east-1' }
const claim = { owner: 'worker', now: 1, leaseExpiresAt: 2, accountJobsMax: 5 }

/**
 * The plans of PostgreSQL depend on what the tables hold, so they are asked for among many rows: no call and nothing that
 * happens every second reads a whole table. src/store/query-plans.test.ts has those of SQLite.
 */
describe.if(requires('postgres'))('among many rows, PostgreSQL', () => {
  const store = storeFixture(startPostgres)
  let branch: BranchRow

  beforeAll(async () => {
    await insertManyApps(store.database, size.apps)
    branch = await store.addBranch()
    await insertManyJobs(store.database, branch, size.jobs)
    await run('insert into "appTurns" select "appId", 1 from apps')
    await run('analyze')
  })

  async function run(sql: string, parameters: readonly unknown[] = []): Promise<Record<string, string>[]> {
    const connection = new Bun.SQL(store.url, { max: 1 })
    try {
      return (await connection.unsafe(sql, [...parameters])) as Record<string, string>[]
    } finally {
      await connection.close()
    }
  }

  test.each<[string, (queries: Queries) => Promise<unknown>]>([
    ['findApp', (q) => findApp(q, scope, branch.appId)],
    ['listApps', (q) => listApps(q, scope, { limit: 50 })],
    ['listApps, later pages', (q) => listApps(q, scope, { after: { createdAt: 1000, id: 'd' }, limit: 50 })],
    ['findBranch', (q) => findBranch(q, branch.appId, 'main')],
    ['listBranches', (q) => listBranches(q, branch.appId, { limit: 50 })],
    ['findBranchOverviews', (q) => findBranchOverviews(q, [branch.branchId])],
    ['findSite', (q) => findSite(q, branch.appId, 'main')],
    ['findJob', (q) => findJob(q, branch.branchId, 10_000)],
    ['listJobs', (q) => listJobs(q, branch.branchId, { limit: 50 })],
    ['listJobs, later pages', (q) => listJobs(q, branch.branchId, { before: 10_000, limit: 50 })],
    ['listSteps', (q) => listSteps(q, 'j')],
    ['findDeploymentOfJob', (q) => findDeploymentOfJob(q, 'j')],
    ['takeJobNumber', (q) => takeJobNumber(q as Transaction, branch.branchId).catch(foundNothing)],
    ['listUnfinishedJobs', (q) => listUnfinishedJobs(q, branch.branchId)],
    ['deleteJob', (q) => deleteJob(q as Transaction, 'j', ['SUCCEED'])],
    ['changeJob', (q) => changeJob(q, 'j', ['RUNNING'], { status: 'FAILED' })],
    ['takeNextJob', (q) => takeNextJob(q, 'postgres', claim)],
    ['renewLease', (q) => renewLease(q, 'j', 'worker', 1)],
    ['listExpiredLeases', (q) => listExpiredLeases(q, 1)],
    ['listCancelling', (q) => listCancelling(q, 'worker')],
    ['listAbandonedUploads', (q) => listAbandonedUploads(q, 1)],
    ['countWaitingJobs', (q) => countWaitingJobs(q).catch(() => undefined)],
    ['countRunningJobs', (q) => countRunningJobs(q).catch(() => undefined)],
  ])('%s uses indexes only', async (_function, look) => {
    const queries = await compiledQueries('postgres', look)
    expect(queries).not.toBeEmpty()
    for (const query of queries) {
      const rows = await run(`explain ${query.sql}`, query.parameters)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toContain('Index')
      expect(plan).not.toContain('Seq Scan')
    }
  })

  test('findAccessKey uses its index as soon as there are enough keys for it to matter', async () => {
    const [query] = await compiledQueries('postgres', (q) => findAccessKey(q, 'AKIA'))
    const connection = new Bun.SQL(store.url, { max: 1 })
    try {
      await connection`set enable_seqscan = off`
      const rows = await connection.unsafe(`explain ${query!.sql}`, [...query!.parameters])
      expect(JSON.stringify(rows)).toContain('Index Scan')
    } finally {
      await connection.close()
    }
  })
})

/** Nothing is found where nothing is run. */
function foundNothing(error: unknown): void {
  if (!(error instanceof NoResultError)) throw error
}
