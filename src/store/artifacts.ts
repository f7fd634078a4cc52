import type { Queries } from './database.ts'
import type { ArtifactRow } from './schema.ts'

/** A second insert of the same file of a job changes nothing: whoever was first made the same bytes. */
export async function insertArtifact(queries: Queries, row: ArtifactRow): Promise<void> {
  await queries
    .insertInto('artifacts')
    .values(row)
    .onConflict((conflict) => conflict.columns(['jobKey', 'kind', 'fileName']).doNothing())
    .execute()
}

/** Stores the files of a run of the test phase, all of which are new. */
export async function insertArtifacts(queries: Queries, rows: ArtifactRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsAtOnce) {
    await queries
      .insertInto('artifacts')
      .values(rows.slice(start, start + rowsAtOnce))
      .execute()
  }
}

/** A row has seven values, and older builds of SQLite take 999 in one statement. */
const rowsAtOnce = 100

/** The artifact with its job, for a caller who knows nothing but the id and must still be shown to own it. */
export function findArtifact(queries: Queries, artifactId: string): Promise<ArtifactRow | undefined> {
  return queries.selectFrom('artifacts').selectAll().where('artifactId', '=', artifactId).executeTakeFirst()
}

export function findJobArtifact(
  queries: Queries,
  jobKey: string,
  kind: ArtifactRow['kind'],
  fileName: string,
): Promise<ArtifactRow | undefined> {
  return queries
    .selectFrom('artifacts')
    .selectAll()
    .where('jobKey', '=', jobKey)
    .where('kind', '=', kind)
    .where('fileName', '=', fileName)
    .executeTakeFirst()
}

/** The file of a job's tests that tells their results. */
export function findTestConfig(queries: Queries, jobKey: string): Promise<ArtifactRow | undefined> {
  return queries
    .selectFrom('artifacts')
    .selectAll()
    .where('jobKey', '=', jobKey)
    .where('kind', '=', 'test-config')
    .limit(1)
    .executeTakeFirst()
}

/** Test artifacts of a job by file name; `after` is the last name of the page before. */
export function listTestArtifacts(
  queries: Queries,
  jobKey: string,
  page: { after?: string | undefined; limit: number },
): Promise<ArtifactRow[]> {
  const { after } = page
  return queries
    .selectFrom('artifacts')
    .selectAll()
    .where('jobKey', '=', jobKey)
    .where('kind', '=', 'test')
    .$if(after !== undefined, (query) => query.where('fileName', '>', after!))
    .orderBy('fileName')
    .limit(page.limit)
    .execute()
}
