import { existsSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { z } from 'zod'

import type { Blobs } from '../blobs/blobs.ts'
import { openDiskBlobs } from '../blobs/disk.ts'
import { makeDurable } from '../blobs/durable-files.ts'
import { hashOfFile } from '../blobs/hash.ts'
import { codeOf } from '../model/error-code.ts'
import { copyDatabase } from '../store/database-copy.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { BlobNotCopied, copyBlobs } from './copy-blobs.ts'

/** Where the parts lie. A backup has the layout of a data directory. */
export interface StoredFiles {
  path: string
  database: string
  blobs: string
  masterKey: string
  credentials: string
}

/** What a backup says about itself in `backup.json`, the last file that is written to it. */
const summarySchema = z.object({
  version: z.literal(1),
  /** Version of the program that made it. */
  preamp: z.string(),
  createdAt: z.iso.datetime(),
  blobs: z.number().int().min(0),
  bytes: z.number().int().min(0),
  /** SHA-256 of the files that are not named by theirs. */
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
})
export type BackupSummary = z.infer<typeof summarySchema>

/** The backup or the restore cannot be done as asked; the message says why and what to do. */
export class BackupRefused extends Error {}

const summaryName = 'backup.json'

type ShowProgress = (done: number, total: number) => void

/**
 * Copies a server's whole state into an empty or new folder, while the server runs: first the database, in one consistent
 * state, then the blobs which that copy refers to, then the keys, then `backup.json`. Nothing is left behind by one that
 * failed. What a build at work has written of its log so far is not part of it, and neither are access logs.
 * The caller keeps blobs from being freed meanwhile (`lockBlobDeletion`), so that none which the copy refers to can vanish.
 * @param options.now epoch milliseconds
 * @throws {BackupRefused}
 */
export async function backup(options: {
  database: Database
  blobs: Blobs
  from: Pick<StoredFiles, 'masterKey' | 'credentials'>
  to: StoredFiles
  preamp: string
  now: number
  progress: ShowProgress
}): Promise<BackupSummary> {
  const { database, blobs, from, to, preamp, now, progress } = options
  await makeEmptyFolder(to.path)
  try {
    await copyDatabase(database, to.database)
    const copied = await copyReferenced(to.database, blobs, to.blobs, progress)
    const files: BackupSummary['files'] = {
      [basename(to.database)]: await finishFile(to.database),
      [basename(to.masterKey)]: await copyPrivateFile(from.masterKey, to.masterKey),
    }
    // Their owner may have moved the credentials elsewhere; the keys themselves are in the database.
    if (existsSync(from.credentials)) {
      files[basename(to.credentials)] = await copyPrivateFile(from.credentials, to.credentials)
    }
    const summary: BackupSummary = {
      version: 1,
      preamp,
      createdAt: new Date(now).toISOString(),
      ...copied,
      files,
    }
    const summaryFile = join(to.path, summaryName)
    await Bun.write(summaryFile, `${JSON.stringify(summary, undefined, 2)}\n`, { mode: 0o600 })
    await finishFile(summaryFile)
    await makeDurable([to.path])
    return summary
  } catch (error) {
    await emptyFolder(to.path)
    if (error instanceof BlobNotCopied) {
      throw new BackupRefused(
        `${error.message} No backup was made, as it would not be whole: \`preamp doctor\` says what to do.`,
      )
    }
    throw explainMachine(error, 'No backup was made')
  }
}

/**
 * Brings a backup back into a data directory that is empty but for what the caller made in it. Every hash is checked. The
 * database comes last: until it is there, the directory is nobody's state. Jobs that ran when the backup was made are
 * decided by the next start of the server, like those of a server that was killed.
 * @throws {BackupRefused}
 */
export async function restore(options: {
  from: StoredFiles
  to: StoredFiles
  progress: ShowProgress
}): Promise<BackupSummary> {
  const { from, to, progress } = options
  const summary = await readSummary(from.path)
  await checkFiles(from.path, summary)
  try {
    const source = await openDiskBlobs(from.blobs, { readonly: true })
    const { blobs } = await copyReferenced(from.database, source, to.blobs, progress)
    if (blobs !== summary.blobs) {
      throw new BackupRefused(
        `${from.path} has ${blobs} objects, but its ${summaryName} says ${summary.blobs}.`,
      )
    }
  } catch (error) {
    if (error instanceof BlobNotCopied) throw new BackupRefused(explainDamage(from, error))
    throw explainMachine(error, 'Nothing was restored')
  }
  await restoreMasterKey(from, to)
  if (basename(from.credentials) in summary.files) await copyPrivateFile(from.credentials, to.credentials)
  const temporary = `${to.database}.restoring`
  await copyPrivateFile(from.database, temporary)
  await rename(temporary, to.database)
  await makeDurable([to.path])
  return summary
}

function explainDamage(from: StoredFiles, error: BlobNotCopied): string {
  return (
    `${error.message} Nothing was restored. Take another backup, or mend this one: ${from.path} is laid out like a data ` +
    'directory, so that `preamp doctor --data-dir` with a copy of it says what is lost.'
  )
}

/** A full disk, a missing permission and the like are the operator's to mend. Anything else is a bug, and stays as it is. */
function explainMachine(error: unknown, outcome: string): unknown {
  const isMachine = error instanceof Error && /^(E[A-Z]+|SQLITE_[A-Z_]+)$/.test(codeOf(error) ?? '')
  return isMachine ? new BackupRefused(`${outcome}: ${error.message}`, { cause: error }) : error
}

/** Copies the blobs that the database in this file refers to. */
async function copyReferenced(databaseFile: string, from: Blobs, toFolder: string, progress: ShowProgress) {
  const database = await openDatabase(`sqlite:${databaseFile}`, { readonly: true })
  try {
    return await copyBlobs(database, from, await openDiskBlobs(toFolder), progress)
  } finally {
    await database.close()
  }
}

async function readSummary(folder: string): Promise<BackupSummary> {
  const file = join(folder, summaryName)
  if (!existsSync(file)) {
    throw new BackupRefused(
      `${folder} is no backup, or one that was not finished: it has no ${summaryName}, which is written last.`,
    )
  }
  const text = await readFile(file, 'utf8')
  const summary = summarySchema.safeParse(parseJson(text))
  if (summary.success) return summary.data
  throw new BackupRefused(
    `${file} is damaged, or was written by a later version of Preamp: ${summary.error.issues[0]?.message}.`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function checkFiles(folder: string, { files }: BackupSummary): Promise<void> {
  for (const [name, sha] of Object.entries(files)) {
    const path = join(folder, basename(name))
    if (!existsSync(path)) throw new BackupRefused(`${path} is missing. Take another backup.`)
    if ((await hashOfFile(Bun.file(path))) !== sha) {
      throw new BackupRefused(`${path} is damaged: it is not what was backed up. Take another backup.`)
    }
  }
}

/** A key file that is set by `PREAMP_MASTER_KEY_FILE` may be there already, if it is the right one. */
async function restoreMasterKey(from: StoredFiles, to: StoredFiles): Promise<void> {
  if (!existsSync(to.masterKey)) {
    await copyPrivateFile(from.masterKey, to.masterKey)
  } else if (
    (await readFile(to.masterKey, 'utf8')).trim() !== (await readFile(from.masterKey, 'utf8')).trim()
  ) {
    throw new BackupRefused(
      `${to.masterKey} is another master key than that of the backup, whose secrets it would not open. ` +
        `Move it away, or put ${from.masterKey} in its place.`,
    )
  }
}

async function makeEmptyFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw explainMachine(error, 'No backup was made')
  })
  if ((await readdir(path)).length > 0) {
    throw new BackupRefused(`${path} is not empty. Name a folder that is, or a new one.`)
  }
}

export async function emptyFolder(path: string): Promise<void> {
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true })
}

/** @returns the SHA-256 of the file */
async function copyPrivateFile(from: string, to: string): Promise<string> {
  await copyFile(from, to)
  return finishFile(to)
}

/** Lets nobody but its owner read the file, and makes it durable. Returns its SHA-256. */
async function finishFile(path: string): Promise<string> {
  const file = await open(path, 'r+')
  try {
    await file.chmod(0o600)
    await file.sync()
  } finally {
    await file.close()
  }
  return hashOfFile(Bun.file(path))
}
