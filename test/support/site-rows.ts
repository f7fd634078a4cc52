import type { JobStatus } from '../../src/model/jobs.ts'
import { insertApp } from '../../src/store/apps.ts'
import { insertBranch, takeJobNumber } from '../../src/store/branches.ts'
import type { Database } from '../../src/store/database.ts'
import { insertJob } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { appRow, branchRow, jobRow } from './rows.ts'

/** Inserts an app with a branch `main` and a manual job that runs. */
export async function addSite(database: Database): Promise<{ appId: string; branchId: string; job: JobRow }> {
  const app = appRow({ name: 'site' })
  const branch = branchRow(app.appId)
  await insertApp(database.queries, app)
  await insertBranch(database.queries, branch)
  const { appId, branchId } = branch
  return { appId, branchId, job: await addJob(database, branchId) }
}

/** Inserts the branch's next job, as if a worker had just claimed it. */
export async function addJob(
  database: Database,
  branchId: string,
  status: JobStatus = 'RUNNING',
): Promise<JobRow> {
  const number = await database.transaction((transaction) => takeJobNumber(transaction, branchId))
  const row = jobRow(branchId, number, { type: 'MANUAL', status, createdAt: 1, startedAt: 1, claims: 1 })
  await insertJob(database.queries, row)
  return row
}
