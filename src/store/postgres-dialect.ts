import type { Dialect, QueryCompiler } from 'kysely'
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
  const postgres = new Bun.SQL(url, {
    max: connectionsMax[mode],
    connectionTimeout: connectSecondsMax,
    ...(mode === 'readonly' && { connection: { default_transaction_read_only: 'on' } }),
  })
  return new BunPostgresDialect({ postgres })
}

class BunPostgresDialect extends PostgresJSDialect {
  override createQueryCompiler(): QueryCompiler {
    return new PostgresCompiler()
  }
}
