import { Kysely, Migrator, type Transaction as KyselyTransaction } from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'

import { ColumnTypes } from './columns.ts'
import { migrations } from './migrations/index.ts'
import type { Tables } from './schema.ts'
import { BunSqliteDialect } from './sqlite-dialect.ts'

/** What store functions take: the database itself for one statement, a transaction for several that belong together. */
export type Queries = Kysely<Tables>
export type Transaction = KyselyTransaction<Tables>

export interface Database {
  /** For reads, and for writes of one statement. */
  queries: Queries
  kind: 'sqlite' | 'postgres'
  /**
   * Runs `work` in a transaction that may write: it begins IMMEDIATE on SQLite, waits asynchronously while another
   * process writes, and is rolled back when `work` throws. `work` does nothing but SQL.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const busyRetryMillisecondsMax = 10_000

/**
 * Opens the database and brings it to the newest migration.
 * @param url `sqlite:<path>`, `sqlite::memory:` or `postgres://…`
 * @param options.readonly for an edge process: no migration, no write
 */
export async function openDatabase(url: string, options: { readonly?: boolean } = {}): Promise<Database> {
  const kind = url.startsWith('sqlite:') ? 'sqlite' : 'postgres'
  const queries = new Kysely<Tables>({
    dialect:
      kind === 'sqlite'
        ? new BunSqliteDialect(url.slice('sqlite:'.length), options.readonly ? 'readonly' : 'readwrite')
        : new PostgresJSDialect({ postgres: new Bun.SQL(url) }),
    plugins: [new ColumnTypes()],
  })
  if (!options.readonly) await migrate(queries)
  return {
    queries,
    kind,
    transaction: (work) => retryWhileBusy(() => queries.transaction().execute(work)),
    close: () => queries.destroy(),
  }
}

async function migrate(queries: Queries): Promise<void> {
  const migrator = new Migrator({ db: queries, provider: { getMigrations: async () => migrations } })
  const { error } = await retryWhileBusy(() => migrator.migrateToLatest())
  if (error) throw error
}

/** A busy SQLite is retried from the start: BEGIN IMMEDIATE is the statement that meets the lock, so nothing was done yet. */
async function retryWhileBusy<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + busyRetryMillisecondsMax
  for (let pauseMilliseconds = 2; ; pauseMilliseconds = Math.min(pauseMilliseconds * 2, 100)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error
      await Bun.sleep(pauseMilliseconds)
    }
  }
}

function isBusy(error: unknown): boolean {
  return hasCode(error) && error.code.startsWith('SQLITE_BUSY')
}

/** Whether a write was refused because a row with the same unique value exists: a busy branch, a taken name. */
export function isUniqueViolation(error: unknown): boolean {
  if (!hasCode(error)) return false
  const postgresState = 'errno' in error ? String(error.errno) : error.code
  return (
    error.code === 'SQLITE_CONSTRAINT_UNIQUE' ||
    error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY' ||
    error.code === '23505' ||
    postgresState === '23505'
  )
}

function hasCode(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}
