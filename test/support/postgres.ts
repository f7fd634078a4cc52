import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { freePort } from './free-ports.ts'
import { findProgram } from './requires.ts'
import { waitFor } from './wait-for.ts'

export interface TemporaryPostgres {
  /** Makes an empty database; returns its URL. */
  createDatabase(): Promise<string>
  stop(): Promise<void>
}

const startSecondsMax = 60

/**
 * Starts a PostgreSQL of its own on a free port of the loopback interface, with its data in a temporary folder. Its language
 * is English by ICU, unlike the order of bytes that SQLite has, so that tests notice where the two would differ.
 */
export async function startPostgres(): Promise<TemporaryPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-postgres-'))
  const user = serverUser()
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const postgres = findProgram('postgres')!
  await run(
    [
      join(dirname(postgres), 'initdb'),
      '--pgdata',
      data,
      '--username',
      'preamp',
      '--auth',
      'trust',
      '--no-sync',
      '--no-instructions',
      '--encoding',
      'UTF8',
      '--locale-provider',
      'icu',
      '--icu-locale',
      'en',
      '--locale',
      'C.UTF-8',
    ],
    user,
  )
  const port = freePort()
  const server = Bun.spawn(
    [
      postgres,
      '-D',
      data,
      '-p',
      String(port),
      '-h',
      '127.0.0.1',
      '-k',
      folder,
      '-c',
      'fsync=off',
      '-c',
      'shared_buffers=16MB',
      '-c',
      'deadlock_timeout=50ms',
    ],
    { cwd: folder, stdin: 'ignore', stdout: 'ignore', stderr: Bun.file(join(folder, 'log')), ...user },
  )
  const urlOf = (database: string) => `postgres://preamp@127.0.0.1:${port}/${database}`
  const admin = new Bun.SQL(urlOf('postgres'), { max: 1 })
  const stop = async () => {
    await admin.close()
    // SIGINT is PostgreSQL's fast shutdown: it ends connections instead of waiting for them.
    server.kill('SIGINT')
    await server.exited
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitUntilReady(admin, server)
  } catch (error) {
    const log = readFileSync(join(folder, 'log'), 'utf8')
    await stop()
    throw new Error(`PostgreSQL did not start:\n${log}`, { cause: error })
  }
  let databases = 0
  return {
    async createDatabase() {
      const name = `test${++databases}`
      await admin.unsafe(`create database ${name}`)
      return urlOf(name)
    },
    stop,
  }
}

interface User {
  uid: number
  gid: number
}

/** PostgreSQL refuses to run as root; Debian's package makes a user for it. */
function serverUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  const entry = readFileSync('/etc/passwd', 'utf8').match(/^postgres:[^:]*:(\d+):(\d+):/m)
  return entry ? { uid: Number(entry[1]), gid: Number(entry[2]) } : { uid: 65_534, gid: 65_534 }
}

async function run(command: string[], user: User | undefined): Promise<void> {
  const child = Bun.spawn(command, { cwd: '/', stdin: 'ignore', stdout: 'ignore', stderr: 'pipe', ...user })
  const problem = await new Response(child.stderr).text()
  if ((await child.exited) !== 0) throw new Error(`${command[0]} failed: ${problem}`)
}

async function waitUntilReady(admin: Bun.SQL, server: Bun.Subprocess): Promise<void> {
  let problem: unknown
  await waitFor(
    () => `PostgreSQL to answer: ${String(problem)}`,
    startSecondsMax,
    () =>
      admin`select 1`.then(
        () => true,
        (error: unknown) => {
          if (server.exitCode !== null) throw error
          problem = error
          return false
        },
      ),
  )
}
