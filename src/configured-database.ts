import type { Config } from './config.ts'
import { codeOf } from './model/error-code.ts'
import { type Database, openDatabase } from './store/database.ts'
import { UsageError } from './usage-error.ts'

/** Where the configured database lies, as `openDatabase` takes it. */
export function databaseUrl(config: Pick<Config, 'databaseUrl'>, directory: { database: string }): string {
  return config.databaseUrl ?? `sqlite:${directory.database}`
}

/**
 * Opens the database that the configuration names, for reading and writing.
 * @throws {UsageError} when PostgreSQL does not let us in; it names host and database, never the password
 */
export async function openConfiguredDatabase(
  config: Pick<Config, 'databaseUrl'>,
  directory: { database: string },
): Promise<Database> {
  try {
    return await openDatabase(databaseUrl(config, directory))
  } catch (error) {
    if (config.databaseUrl === undefined || !isRefusal(error)) throw error
    const { host, pathname } = new URL(config.databaseUrl)
    throw new UsageError(
      `The PostgreSQL database ${pathname.slice(1)} at ${host} cannot be opened: ${error.message}. Start it, or correct PREAMP_DATABASE_URL.`,
      { cause: error },
    )
  }
}

/** No connection, a refused user (class 28) or an unknown database (3D000); anything else is a bug or a broken server. */
function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const state = 'errno' in error ? String(error.errno) : ''
  return Boolean(codeOf(error)?.startsWith('ERR_POSTGRES_CONNECTION_')) || /^(28|3D000)/.test(state)
}
