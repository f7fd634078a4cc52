import {
  type DatabaseIntrospector,
  type Dialect,
  Kysely,
  PostgresIntrospector,
  type QueryCompiler,
} from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'

import { PostgresCompiler } from './query-compiler.ts'

/**
 * Builds take minutes and hold no connection. PostgreSQL allows 100 by default, which several control and edge processes
 * share.
 */
const connectionsMax = { readwrite: 10, readonly: 2 }
const connectSecondsMax = 10

/** Kysely on `Bun.SQL`. */
export function postgresDialect(url: string, mode: 'readwrite' | 'readonly'): Dialect {
  return new BunPostgresDialect(
    new Bun.SQL(url, {
      max: connectionsMax[mode],
      connectionTimeout: connectSecondsMax,
      ...(mode === 'readonly' && { connection: { default_transaction_read_only: 'on' } }),
    }),
  )
}

class BunPostgresDialect extends PostgresJSDialect {
  readonly #postgres: Bun.SQL

  constructor(postgres: Bun.SQL) {
    super({ postgres })
    this.#postgres = postgres
  }

  override createQueryCompiler(): QueryCompiler {
    return new PostgresCompiler()
  }

  /** The catalogue has real booleans, which our compiler would write as numbers. */
  override createIntrospector(): DatabaseIntrospector {
    return new PostgresIntrospector(
      new Kysely({ dialect: new PostgresJSDialect({ postgres: this.#postgres }) }),
    )
  }
}
