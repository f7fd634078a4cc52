import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startPostgres } from './postgres.ts'

/** A server of databases under test: the same tests run on each. */
export interface DatabaseServer {
  /** Makes an empty database; returns its URL for `openDatabase`. */
  createDatabase(): Promise<string>
  stop(): Promise<void>
}

async function startSqlite(): Promise<DatabaseServer> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-sqlite-'))
  let databases = 0
  return {
    createDatabase: async () => `sqlite:${join(folder, `test${++databases}.db`)}`,
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

/**
 * The databases of which the store's contract must be true.
 * @param hasPostgres what `requires('postgres')` says: asked by the test file, which is named when it is skipped
 */
export function databaseServers(
  hasPostgres: boolean,
): [name: string, start: () => Promise<DatabaseServer>][] {
  return [
    ['SQLite', startSqlite],
    ...(hasPostgres ? [['PostgreSQL', startPostgres] as [string, typeof startPostgres]] : []),
  ]
}
