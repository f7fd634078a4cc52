import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  SqliteAdapter,
  SqliteIntrospector,
} from 'kysely'

import type { Database, Queries } from '../../src/store/database.ts'
import { PostgresCompiler, SqliteCompiler } from '../../src/store/query-compiler.ts'
import type { Tables } from '../../src/store/schema.ts'

/**
 * What a function of the store would run, as the database gets it, without running it. Every query finds nothing, so that
 * one which depends on what another found is not seen.
 */
export async function compiledQueries(
  kind: Database['kind'],
  run: (queries: Queries) => Promise<unknown>,
): Promise<CompiledQuery[]> {
  const seen: CompiledQuery[] = []
  const queries = new Kysely<Tables>({
    dialect: {
      createAdapter: () => (kind === 'sqlite' ? new SqliteAdapter() : new PostgresAdapter()),
      createDriver: () => new DummyDriver(),
      createQueryCompiler: () => (kind === 'sqlite' ? new SqliteCompiler() : new PostgresCompiler()),
      createIntrospector: (db) =>
        kind === 'sqlite' ? new SqliteIntrospector(db) : new PostgresIntrospector(db),
    },
    log: ({ query }) => void seen.push(query),
  })
  await run(queries)
  return seen
}
