import { Database } from 'bun:sqlite'

import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely'

/** How long a statement may block the event loop for another process's lock; the caller retries asynchronously. */
const busyTimeoutMilliseconds = 20

/**
 * Kysely on `bun:sqlite`: Kysely's own dialect, with the two things Bun does differently (a statement does not say whether
 * it returns rows) and we want differently (transactions that write take the lock when they begin).
 * @param path file of the database, or `:memory:`
 * @param mode `readonly` for processes that only serve
 */
export class BunSqliteDialect extends SqliteDialect {
  readonly #path: string
  readonly #mode: 'readwrite' | 'readonly'

  constructor(path: string, mode: 'readwrite' | 'readonly') {
    super({ database: async () => openDatabase(path, mode) })
    this.#path = path
    this.#mode = mode
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver({ database: async () => openDatabase(this.#path, this.#mode) })
  }

  override createAdapter(): SqliteAdapter {
    return new SqliteAdapter()
  }
}

class ImmediateSqliteDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }
}

function openDatabase(path: string, mode: 'readwrite' | 'readonly'): SqliteDatabase {
  const database = new Database(path, mode === 'readonly' ? { readonly: true } : { create: true })
  database.run(`PRAGMA busy_timeout = ${busyTimeoutMilliseconds}`)
  database.run('PRAGMA foreign_keys = ON')
  if (mode === 'readwrite') {
    database.run('PRAGMA journal_mode = WAL')
    // WAL with NORMAL may lose the last commits on power failure; every acknowledged call must hold.
    database.run('PRAGMA synchronous = FULL')
  }
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.query(sql)
      return {
        // Statements without result columns are the ones that only change something.
        reader: statement.columnNames.length > 0,
        all: (parameters) => statement.all(...(parameters as never[])),
        run: (parameters) => statement.run(...(parameters as never[])),
        iterate: (parameters) => statement.iterate(...(parameters as never[])),
      }
    },
  }
}
