import { Database, type Statement } from 'bun:sqlite'

import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'

import { codeOf } from '../model/error-code.ts'
import { SqliteCompiler } from './query-compiler.ts'

export type SqliteMode = 'readwrite' | 'readonly'

/** How long opening waits for a process that opens, or recovers after a crash, at the same time. */
const openingMillisecondsMax = 10_000
/** How long a statement may block the event loop for another process's lock, before it is tried again asynchronously. */
const blockedMillisecondsMax = 20
const retriedMillisecondsMax = 10_000
const retryPauseMillisecondsMax = 100

// Bun compiles a statement anew when it has fallen out of this cache. The store has about a hundred.
Database.MAX_QUERY_CACHE_SIZE = 200

/** Kysely on `bun:sqlite`: Kysely's own dialect, with an asynchronous wait for other processes that write. */
export class BunSqliteDialect extends SqliteDialect {
  readonly #path: string
  readonly #mode: SqliteMode

  /**
   * @param path file of the database, or `:memory:`
   * @param mode `readonly` for processes that only serve
   */
  constructor(path: string, mode: SqliteMode) {
    super({ database: async () => kyselyDatabase(openFile(path, mode)) })
    this.#path = path
    this.#mode = mode
  }

  override createDriver(): Driver {
    return new PatientSqliteDriver({ open: () => openFile(this.#path, this.#mode) })
  }

  override createQueryCompiler(): QueryCompiler {
    return new SqliteCompiler()
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter()
  }
}

class TransactionalDdlAdapter extends SqliteAdapter {
  /** SQLite rolls schema changes back like any other: a server killed while it migrates begins again from the start. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** Kysely opens a database at its first query, and closes only what it opened. */
interface LazyFile {
  open(): Database
  database?: Database
}

class PatientSqliteDriver extends SqliteDriver {
  readonly #file: LazyFile
  #connection: DatabaseConnection | undefined

  constructor(file: LazyFile) {
    super({ database: async () => kyselyDatabase((file.database = file.open())) })
    this.#file = file
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection()
    return (this.#connection ??= new PatientConnection(connection))
  }

  /** A transaction takes the lock for writing when it begins, so that it never has to give up half-way for another's. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  /** SQLite has rolled back by itself after some errors (a full disk); a second time would hide what happened. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.database?.inTransaction) await super.rollbackTransaction(connection)
  }
}

/**
 * Tries a statement again while another process holds the lock. Nothing of it was done: outside of a transaction a
 * statement is one, and within one the lock was taken by `begin immediate`.
 */
class PatientConnection implements DatabaseConnection {
  readonly #connection: DatabaseConnection

  constructor(connection: DatabaseConnection) {
    this.#connection = connection
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const deadline = Date.now() + retriedMillisecondsMax
    for (let pauseMilliseconds = 2; ; pauseMilliseconds *= 2) {
      try {
        return await this.#connection.executeQuery<Row>(query)
      } catch (error) {
        if (!isBusy(error) || Date.now() > deadline) throw error
        await Bun.sleep(Math.min(pauseMilliseconds, retryPauseMillisecondsMax))
      }
    }
  }

  streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    return this.#connection.streamQuery<Row>(query, chunkSize)
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_BUSY') ?? false
}

function openFile(path: string, mode: SqliteMode): Database {
  const database = new Database(path, mode === 'readonly' ? { readonly: true } : { create: true })
  database.run(`PRAGMA busy_timeout = ${openingMillisecondsMax}`)
  database.run('PRAGMA foreign_keys = ON')
  if (mode === 'readwrite') {
    database.run('PRAGMA journal_mode = WAL')
    // WAL with NORMAL may lose the last commits on power failure; every acknowledged call must hold.
    database.run('PRAGMA synchronous = FULL')
  }
  database.run(`PRAGMA busy_timeout = ${blockedMillisecondsMax}`)
  return database
}

function kyselyDatabase(database: Database): SqliteDatabase {
  const prepared = new WeakMap<Statement, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.query(sql)
      let wrapped = prepared.get(statement)
      if (!wrapped) prepared.set(statement, (wrapped = kyselyStatement(statement)))
      return wrapped
    },
  }
}

function kyselyStatement(statement: Statement): SqliteStatement {
  return {
    // Bun's statements do not say whether they return rows; those without columns are the ones that do not.
    reader: statement.columnNames.length > 0,
    all: (parameters) => statement.all(...(parameters as never[])),
    run: (parameters) => statement.run(...(parameters as never[])),
    iterate: (parameters) => statement.iterate(...(parameters as never[])),
  }
}
