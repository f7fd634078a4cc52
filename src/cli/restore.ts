import { existsSync, readdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Command } from 'commander'

import type { Config } from '../config.ts'
import { createDataDirectory, dataDirectoryAt, lockDataDirectory } from '../data-directory.ts'
import { BackupRefused, emptyFolder, restore } from '../deploy/backup.ts'
import { quoteForShell } from '../model/shell-quote.ts'
import { UsageError } from '../usage-error.ts'
import { postgresAdvice } from './backup.ts'
import { Progress } from './progress.ts'
import { formatBytes, plural } from './quantities.ts'
import { addSettings, configOf } from './settings-options.ts'

/** `preamp restore <source>`: a backup becomes the data directory of a server that is started next. */
export function register(program: Command): void {
  const command = addSettings(program.command('restore'), ['dataDir', 'masterKeyFile'])
  command
    .description('Bring a backup back into an empty or new data directory.')
    .argument('<source>', 'the folder that `preamp backup` wrote')
    .action((source: string) => restoreBackup(configOf(command), resolve(source)))
}

async function restoreBackup(config: Config, source: string): Promise<void> {
  if (config.databaseUrl) throw new UsageError(postgresAdvice(config.dataDir))
  const { dataDir } = config
  const isNew = !existsSync(dataDir)
  if (!isNew && readdirSync(dataDir).length > 0) throw notEmpty(dataDir)
  const directory = createDataDirectory(dataDir)
  const free = lockDataDirectory(dataDir)
  // A server may have started and stopped between the look and the lock.
  if (existsSync(directory.database)) throw notEmpty(dataDir)
  try {
    const progress = new Progress('Copying objects', 1)
    const summary = await restore({
      from: dataDirectoryAt(source),
      to: { ...directory, masterKey: config.masterKeyFile ?? directory.masterKey },
      progress: (done, total) => progress.show(done / total),
    })
    progress.end(`${plural(summary.blobs, 'object')} of ${formatBytes(summary.bytes)}`)
    console.log(
      `Restored the backup of ${summary.createdAt} into ${dataDir}.\n` +
        `Start the server with: preamp serve --data-dir ${quoteForShell(dataDir)}`,
    )
  } catch (error) {
    // As it was before: a part of a state must not be started.
    if (isNew) rmSync(dataDir, { recursive: true, force: true })
    else await emptyFolder(dataDir)
    throw error instanceof BackupRefused ? new UsageError(error.message) : error
  } finally {
    free()
  }
}

const notEmpty = (dataDir: string) =>
  new UsageError(
    `${dataDir} is not empty: nothing is restored over a state that is there. Name another folder with --data-dir.`,
  )
