import { existsSync } from 'node:fs'

import type { Config } from '../config.ts'
import { openConfiguredDatabase } from '../configured-database.ts'
import { createDataDirectory, type DataDirectory, dataDirectoryAt, readMasterKey } from '../data-directory.ts'
import type { Database } from '../store/database.ts'
import { SecretBox } from '../store/secret-box.ts'
import { UsageError } from '../usage-error.ts'

/** The data directory of a server that was started at least once. */
export function existingDirectory(config: Pick<Config, 'dataDir' | 'databaseUrl'>): DataDirectory {
  const directory = dataDirectoryAt(config.dataDir)
  if (!existsSync(config.databaseUrl ? directory.path : directory.database)) {
    throw new UsageError(
      `${directory.path} is not the data directory of a Preamp server. Name it with --data-dir, or run the command where the server was started.`,
    )
  }
  return directory
}

/**
 * Opens the state itself, for commands that work beside a running server or without one.
 * @param options.create makes what a first start would make
 */
export async function withState<Result>(
  config: Pick<Config, 'dataDir' | 'databaseUrl' | 'masterKeyFile'>,
  options: { create: boolean },
  work: (state: { database: Database; secrets: SecretBox; directory: DataDirectory }) => Promise<Result>,
): Promise<Result> {
  const directory = options.create ? createDataDirectory(config.dataDir) : existingDirectory(config)
  const secrets = new SecretBox(readMasterKey(config.masterKeyFile ?? directory.masterKey))
  const database = await openConfiguredDatabase(config, directory)
  try {
    return await work({ database, secrets, directory })
  } finally {
    await database.close()
  }
}
