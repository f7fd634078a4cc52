import { Database } from 'bun:sqlite'
import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

import { codeOf, hasCode } from './model/error-code.ts'
import { UsageError } from './usage-error.ts'

/** What lies where in the data directory. */
export interface DataDirectory {
  path: string
  database: string
  blobs: string
  /** One folder for each job at work. */
  work: string
  /** What makes the next build faster, and can be removed while no server runs. */
  caches: string
  /** Tools that the server downloads for builds. */
  tools: string
  /** One folder for each hour. */
  accessLogs: string
  /** Repositories of the examples, which the demo makes. */
  examples: string
  credentials: string
  masterKey: string
  /** Pids of the edge processes, so that a server that starts after a crash finds them. */
  edges: string
  /** Addresses and pid of the server at work, for our own commands. */
  server: string
}

export function dataDirectoryAt(path: string): DataDirectory {
  return {
    path,
    database: join(path, 'preamp.db'),
    blobs: join(path, 'blobs'),
    work: join(path, 'work'),
    caches: join(path, 'caches'),
    tools: join(path, 'tools'),
    accessLogs: join(path, 'access-logs'),
    examples: join(path, 'examples'),
    credentials: join(path, 'credentials'),
    masterKey: join(path, 'master.key'),
    edges: join(path, 'edges.json'),
    server: join(path, 'server.json'),
  }
}

/**
 * Makes the folders, readable by the server's user alone.
 * @param path may be a link; the result names where it leads, since that is what must be hidden from builds
 * @throws {UsageError} when they cannot be made, or belong to another user
 */
export function createDataDirectory(path: string): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, 0o700)
    const directory = dataDirectoryAt(realpathSync(path))
    mkdirSync(directory.blobs, { recursive: true, mode: 0o700 })
    mkdirSync(directory.work, { recursive: true, mode: 0o700 })
    mkdirSync(directory.caches, { recursive: true, mode: 0o700 })
    mkdirSync(directory.accessLogs, { recursive: true, mode: 0o700 })
    return directory
  } catch (error) {
    throw new UsageError(
      `The data directory ${path} cannot be made or used by this user: ${reasonOf(error)}. Choose another with PREAMP_DATA_DIR.`,
      { cause: error },
    )
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/**
 * Takes the data directory for this process until it ends, however it ends.
 * @returns a function that gives the lock back
 * @throws {UsageError} when another server holds it
 */
export function lockDataDirectory(path: string): () => void {
  const release = takeLock(join(path, 'lock'), peekMillisecondsMax)
  if (release) return release
  throw new UsageError(
    `Another Preamp server uses the data directory ${path}. Stop it, or choose another with PREAMP_DATA_DIR.`,
  )
}

/** A look takes the lock for a moment, in which a server that starts just then must not give up. */
const peekMillisecondsMax = 500

/** Whether a server, or a command that must be alone, holds the data directory. */
export function isDataDirectoryHeld(path: string): boolean {
  const release = takeLock(join(path, 'lock'), 0)
  release?.()
  return release === undefined
}

/**
 * Keeps blobs from being freed by anyone else until it is given back or the process ends: a sweep holds this while it
 * frees some, a backup while it copies them. The grace period does not protect what a copy of the database refers to: it
 * counts from when the bytes were put, not from when their last row went.
 * @param waitMilliseconds how long the process stands still for another holder
 * @returns a function that gives the lock back; undefined when another has it
 */
export function lockBlobDeletion(path: string, waitMilliseconds: number): (() => void) | undefined {
  return takeLock(join(path, 'sweep.lock'), waitMilliseconds)
}

/** Locks that are held. A database that nobody refers to any more is closed by the garbage collector, lock and all. */
const held = new Set<Database>()

/** The lock is SQLite's on a file of its own, which the kernel frees with the process. */
function takeLock(file: string, waitMilliseconds: number): (() => void) | undefined {
  const lock = new Database(file, { create: true })
  try {
    lock.run(`PRAGMA busy_timeout = ${waitMilliseconds}`)
    lock.run('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (codeOf(error)?.startsWith('SQLITE_BUSY')) return undefined
    throw error
  }
  held.add(lock)
  return () => {
    held.delete(lock)
    lock.close()
  }
}

/** Write by the group, anything by others. The group may read: that is how container platforms hand secrets in. */
const openedTooFar = 0o027

/**
 * Reads the 32 bytes of the master key, made at the first start.
 * @throws {UsageError} when the file holds something else, or is open to other users of the machine
 */
export function readMasterKey(file: string): Buffer {
  // Of two commands that start at once the first makes the key, and both use that one.
  if (!existsSync(file)) makeMasterKey(file)
  const { mode } = statSync(file)
  if ((mode & openedTooFar) !== 0) {
    throw new UsageError(
      `Other users of this machine can read or change the master key file ${file}. Close it with: chmod 600 '${file}'`,
    )
  }
  const text = readMasterKeyText(file)
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new UsageError(
      `The master key file ${file} does not hold 64 hexadecimal digits. Restore it from your backup.`,
    )
  }
  return Buffer.from(text, 'hex')
}

function makeMasterKey(file: string): void {
  try {
    createPrivateFile(file, `${randomBytes(32).toString('hex')}\n`)
  } catch (error) {
    throw new UsageError(
      `The master key file ${file} is not there and cannot be made: ${reasonOf(error)}. Name another with PREAMP_MASTER_KEY_FILE.`,
      { cause: error },
    )
  }
}

function readMasterKeyText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new UsageError(`The master key file ${file} cannot be read: ${reasonOf(error)}.`, { cause: error })
  }
}

/** Writes a file that only its owner can read, whole or not at all. It outlasts a power failure. */
export function writePrivateFile(file: string, text: string): void {
  placePrivateFile(file, text, renameSync)
}

/** Like {@link writePrivateFile}, but leaves a file alone that is there already. */
function createPrivateFile(file: string, text: string): void {
  placePrivateFile(file, text, (temporary) => {
    try {
      linkSync(temporary, file)
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    rmSync(temporary)
  })
}

function placePrivateFile(file: string, text: string, place: (from: string, to: string) => void): void {
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true })
    place(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
