import { sql } from 'kysely'

import type { Database } from './database.ts'

/**
 * Writes one consistent state of a SQLite database to a new file, while others read and write it. The copy is one file
 * that needs no journal. https://www.sqlite.org/lang_vacuum.html#vacuum_with_an_into_clause
 * @param path must not exist, or be empty
 */
export async function copyDatabase({ queries, kind }: Database, path: string): Promise<void> {
  if (kind !== 'sqlite') throw new Error('Only SQLite can be copied; PostgreSQL has pg_dump')
  await sql`vacuum into ${path}`.execute(queries)
}
