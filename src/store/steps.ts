import type { StepName } from '../model/jobs.ts'
import type { Queries } from './database.ts'
import type { StepRow } from './schema.ts'

export async function insertStep(queries: Queries, row: StepRow): Promise<void> {
  await queries.insertInto('steps').values(row).execute()
}

export function listSteps(queries: Queries, jobKey: string): Promise<StepRow[]> {
  return queries.selectFrom('steps').selectAll().where('jobKey', '=', jobKey).orderBy('position').execute()
}

export function findStep(queries: Queries, jobKey: string, name: StepName): Promise<StepRow | undefined> {
  return queries
    .selectFrom('steps')
    .selectAll()
    .where('jobKey', '=', jobKey)
    .where('name', '=', name)
    .executeTakeFirst()
}

/** False when the step is gone, with its job. */
export async function changeStep(
  queries: Queries,
  jobKey: string,
  name: StepName,
  change: Partial<Pick<StepRow, 'status' | 'statusReason' | 'context' | 'endedAt' | 'logSha'>>,
): Promise<boolean> {
  const result = await queries
    .updateTable('steps')
    .set(change)
    .where('jobKey', '=', jobKey)
    .where('name', '=', name)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Forgets the steps of a job that starts over. */
export async function deleteSteps(queries: Queries, jobKey: string): Promise<void> {
  await queries.deleteFrom('steps').where('jobKey', '=', jobKey).execute()
}
