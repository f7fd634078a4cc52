import type { Database, Transaction } from '../../src/store/database.ts'
import type { AppRow, BranchRow } from '../../src/store/schema.ts'
import { appRow, branchRow, deploymentRow, jobRow, stepRow } from './rows.ts'

/** SQLite takes 32,766 parameters in a statement; no row here has more than 20 members. */
const rowsPerStatement = 1000

/** So many apps with a branch each, one after another by their time of creation. */
export function insertManyApps(database: Database, count: number, row: Partial<AppRow> = {}): Promise<void> {
  return database.transaction((transaction) =>
    inBatches(count, async (numbers) => {
      const apps = numbers.map((number) => appRow({ name: `app-${number}`, createdAt: number, ...row }))
      await transaction.insertInto('apps').values(apps).execute()
      await transaction
        .insertInto('branches')
        .values(apps.map(({ appId }) => branchRow(appId)))
        .execute()
    }),
  )
}

/** Makes the branch one of so many jobs, numbered from 1, each of which has succeeded, with its steps and its deployment. */
export function insertManyJobs(database: Database, { branchId }: BranchRow, count: number): Promise<void> {
  return database.transaction(async (transaction) => {
    await inBatches(count, (numbers) => insertJobs(transaction, branchId, numbers))
    await transaction
      .updateTable('branches')
      .set({ lastJobNumber: count, jobCount: count })
      .where('branchId', '=', branchId)
      .execute()
  })
}

async function insertJobs(transaction: Transaction, branchId: string, numbers: number[]): Promise<void> {
  const ended = { status: 'SUCCEED', startedAt: 1, endedAt: 2 } as const
  const jobs = numbers.map((number) => jobRow(branchId, number, ended))
  const steps = (['BUILD', 'DEPLOY', 'VERIFY'] as const).map((name) =>
    jobs.map(({ jobKey }) => stepRow(jobKey, name, { ...ended, logSha: 'f'.repeat(64) })),
  )
  await transaction.insertInto('jobs').values(jobs).execute()
  for (const rows of steps) await transaction.insertInto('steps').values(rows).execute()
  await transaction
    .insertInto('deployments')
    .values(jobs.map((job) => deploymentRow(job)))
    .execute()
}

async function inBatches(count: number, insert: (numbers: number[]) => Promise<void>): Promise<void> {
  for (let first = 1; first <= count; first += rowsPerStatement) {
    const length = Math.min(rowsPerStatement, count - first + 1)
    await insert(Array.from({ length }, (_, at) => first + at))
  }
}
