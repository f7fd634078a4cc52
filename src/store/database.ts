import {
  CompiledQuery,
  DEFAULT_MIGRATION_TABLE,
  Kysely,
  Migrator,
  sql,
  type Transaction as KyselyTransaction,
} from 'kysely'

import { hasCode } from '../model/error-code.ts'
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
   * process writes, and is rolled back when `work` throws. `work` does nothing but SQL: it is run again when PostgreSQL
   * ends it for a deadlock. It uses the transaction and never `queries`, which on SQLite waits until the transaction ends.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>

  /**
   * A value that changes whenever another connection has committed anything; the edges poll it. It may change for less.
   * On SQLite it says nothing about what this connection itself commits.
   */
  changeToken(): Promise<string>

  close(): Promise<void>
}

const transactionAttemptsMax = 5

/**
 * Opens the database and brings it to the newest migration.
 * @param url `sqlite:<path>`, `sqlite::memory:` or `postgres://…`
 * @param options.readonly for a process that only serves: no migration, no write. It can be opened while the writer runs,
 * and after it was killed.
 * @throws when the database cannot be reached, or was made by a newer version
 */
export async function openDatabase(url: string, options: { readonly?: boolean } = {}): Promise<Database> {
  const kind = url.startsWith('sqlite:') ? 'sqlite' : 'postgres'
  const mode = options.readonly ? 'readonly' : 'readwrite'
  const queries = new Kysely<Tables>({
    dialect:
      kind === 'sqlite'
        ? new BunSqliteDialect(url.slice('sqlite:'.length), mode)
        : // Loaded where it is used: a server on SQLite starts without it.
          (await import('./postgres-dialect.ts')).postgresDialect(url, mode),
    plugins: [new ColumnTypes()],
  })
  try {
    if (mode === 'readwrite') await migrate(queries)
    else await queries.executeQuery(CompiledQuery.raw('select 1'))
  } catch (error) {
    await queries.destroy()
    throw error
  }
  return {
    queries,
    kind,
    transaction: (work) => retryAfterDeadlock(() => queries.transaction().execute(work)),
    changeToken: () => (kind === 'sqlite' ? readDataVersion(queries) : readSnapshot(queries)),
    close: () => queries.destroy(),
  }
}

async function migrate(queries: Queries): Promise<void> {
  if (await isMigrated(queries)) return
  const migrator = new Migrator({ db: queries, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error instanceof Error && error.message.startsWith('corrupted migrations')) {
    throw new Error(
      'The database was made by a newer version of Preamp. Start that version again, or a later one.',
      {
        cause: error,
      },
    )
  }
  if (error) throw error
}

/**
 * Whether the newest migration is the last one that was applied: one look, where the migrator reads the whole catalogue
 * before it finds nothing to do.
 */
async function isMigrated(queries: Queries): Promise<boolean> {
  try {
    const { rows } = await sql<{
      name: string
    }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name`.execute(queries)
    return Bun.deepEquals(
      rows.map(({ name }) => name),
      Object.keys(migrations),
    )
  } catch (error) {
    if (isMissingTable(error)) return false
    throw error
  }
}

/** https://www.sqlite.org/pragma.html#pragma_data_version */
async function readDataVersion(queries: Queries): Promise<string> {
  const { rows } = await queries.executeQuery<{ data_version: number }>(
    CompiledQuery.raw('PRAGMA data_version'),
  )
  return String(rows[0]!.data_version)
}

/**
 * Which transactions are visible: two equal snapshots show the same rows, and a commit makes them differ. Without a
 * counter that every writer would have to wait for, and true of replicas too.
 */
async function readSnapshot(queries: Queries): Promise<string> {
  const { rows } = await sql<{ token: string }>`select pg_current_snapshot()::text as "token"`.execute(
    queries,
  )
  return rows[0]!.token
}

async function retryAfterDeadlock<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isPostgresState(error, deadlockDetected) || attempts === transactionAttemptsMax) throw error
    }
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const deadlockDetected = '40P01'
const uniqueViolation = '23505'
const undefinedTable = '42P01'
const diskFull = '53100'

function isPostgresState(error: unknown, state: string): boolean {
  return error instanceof Bun.SQL.PostgresError && error.errno === state
}

/** Whether a write was refused because a row with the same unique value exists: a busy branch, a taken name. */
export function isUniqueViolation(error: unknown): boolean {
  return (
    hasCode(error, 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY') ||
    isPostgresState(error, uniqueViolation)
  )
}

function isMissingTable(error: unknown): boolean {
  // SQLite has no code of its own for this.
  return (
    isPostgresState(error, undefinedTable) ||
    (error instanceof Error && error.message.startsWith('no such table'))
  )
}

/** Whether the database has no room left on its disk: nothing of the write was done, and reads go on. */
export function isDatabaseFull(error: unknown): boolean {
  return hasCode(error, 'SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE') || isPostgresState(error, diskFull)
}
