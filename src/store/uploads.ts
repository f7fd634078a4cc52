import type { Queries } from './database.ts'
import type { UploadRow } from './schema.ts'

export async function insertUploads(queries: Queries, rows: UploadRow[]): Promise<void> {
  // SQLite and PostgreSQL bound the parameters of one statement; 500 rows of 5 columns stay below both.
  for (let start = 0; start < rows.length; start += 500) {
    await queries
      .insertInto('uploads')
      .values(rows.slice(start, start + 500))
      .execute()
  }
}

export function findUpload(queries: Queries, jobKey: string, name: string): Promise<UploadRow | undefined> {
  return queries
    .selectFrom('uploads')
    .selectAll()
    .where('jobKey', '=', jobKey)
    .where('name', '=', name)
    .executeTakeFirst()
}

export function listUploads(queries: Queries, jobKey: string): Promise<UploadRow[]> {
  return queries.selectFrom('uploads').selectAll().where('jobKey', '=', jobKey).orderBy('name').execute()
}

/** Records what was uploaded; false when the job is gone meanwhile. */
export async function recordUpload(
  queries: Queries,
  jobKey: string,
  name: string,
  content: { sha: string; bytes: number },
): Promise<boolean> {
  const result = await queries
    .updateTable('uploads')
    .set(content)
    .where('jobKey', '=', jobKey)
    .where('name', '=', name)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}
