import { resolve } from 'node:path'

import type { Command } from 'commander'

import packageJson from '../../package.json' with { type: 'json' }
import { openDiskBlobs } from '../blobs/disk.ts'
import type { Config } from '../config.ts'
import { databaseUrl } from '../configured-database.ts'
import { dataDirectoryAt, lockBlobDeletion } from '../data-directory.ts'
import { backup, BackupRefused } from '../deploy/backup.ts'
import { quoteForShell } from '../model/shell-quote.ts'
import { openDatabase } from '../store/database.ts'
import { UsageError } from '../usage-error.ts'
import { Progress } from './progress.ts'
import { formatBytes, plural } from './quantities.ts'
import { addSettings, configOf } from './settings-options.ts'
import { existingDirectory } from './stored-state.ts'

/** Most sweeps end within this; another backup may take long, and is told of. */
const sweepMillisecondsMax = 5000

/** `preamp backup <target>`: the whole state, consistent, while the server runs. */
export function register(program: Command): void {
  const command = addSettings(program.command('backup'), ['dataDir', 'masterKeyFile'])
  command
    .description('Copy everything stored, with the keys, into a new folder; the server may run meanwhile.')
    .argument('<target>', 'an empty folder, or one that does not exist')
    .action((target: string) => makeBackup(configOf(command), resolve(target)))
}

async function makeBackup(config: Config, target: string): Promise<void> {
  if (config.databaseUrl) throw new UsageError(postgresAdvice(config.dataDir))
  const directory = existingDirectory(config)
  const release = lockBlobDeletion(directory.path, sweepMillisecondsMax)
  if (!release) {
    throw new UsageError(
      `Another backup of ${directory.path} is at work, or the server frees bytes just now. Try again when that is done.`,
    )
  }
  const database = await openDatabase(databaseUrl(config, directory), { readonly: true })
  try {
    const progress = new Progress('Copying objects', 1)
    const summary = await backup({
      database,
      blobs: await openDiskBlobs(directory.blobs, { readonly: true }),
      from: { ...directory, masterKey: config.masterKeyFile ?? directory.masterKey },
      to: dataDirectoryAt(target),
      preamp: packageJson.version,
      now: Date.now(),
      progress: (done, total) => progress.show(done / total),
    })
    progress.end(`${plural(summary.blobs, 'object')} of ${formatBytes(summary.bytes)}`)
    console.log(
      `Backed up to ${target}. It holds the master key and the credentials: keep it where nobody else can read it.\n` +
        `Bring it back with: preamp restore ${quoteForShell(target)} --data-dir <new folder>`,
    )
  } catch (error) {
    throw error instanceof BackupRefused ? new UsageError(error.message) : error
  } finally {
    await database.close()
    release()
  }
}

export function postgresAdvice(dataDir: string): string {
  return (
    'PREAMP_DATABASE_URL is set: PostgreSQL is backed up and restored by its own tools. Stop the server, run pg_dump, ' +
    `and copy ${dataDir} beside the dump; bring both back with psql or pg_restore and a copy before the server starts.`
  )
}
