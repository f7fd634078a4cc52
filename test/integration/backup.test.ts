import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  type CreateDeploymentCommandOutput,
  DeleteJobCommand,
  GetJobCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-amplify'

import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { dataDirectoryAt, lockBlobDeletion } from '../../src/data-directory.ts'
import { backup, type BackupSummary } from '../../src/deploy/backup.ts'
import { openDatabase } from '../../src/store/database.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import {
  blobPath,
  openStoredState,
  shaOf,
  storeDeployment,
  type StoredState,
  storeSite,
} from '../support/stored-site.ts'
import { waitFor } from '../support/wait-for.ts'

/** Of one command, on a machine that is busy with other tests. */
const commandMillisecondsMax = 60_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-backup-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Runs our program as a process of its own. */
async function preamp(args: string[], environment: Record<string, string> = {}) {
  const main = join(import.meta.dir, '../../src/main.ts')
  const child = Bun.spawn([process.execPath, main, ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { output, errors, exitCode: await child.exited }
}

const backUp = (dataDir: string, target: string) => preamp(['backup', target, '--data-dir', dataDir])
const restore = (source: string, dataDir: string) => preamp(['restore', source, '--data-dir', dataDir])
const doctor = (dataDir: string) => preamp(['doctor', '--data-dir', dataDir])
const succeeds = { exitCode: 0 }
const refuses = (message: RegExp) => ({ exitCode: 2, errors: expect.stringMatching(message) })

describe('of a state without a server', () => {
  let state: StoredState
  let dataDir: string
  beforeEach(async () => {
    state = await openStoredState()
    dataDir = state.directory.path
    writeFileSync(state.directory.masterKey, `${'ab'.repeat(32)}\n`)
    writeFileSync(state.directory.credentials, '[default]\n')
    await storeSite(state, { 'index.html': 'hello', 'a.css': 'a' })
  })
  afterEach(() => state.close())

  test(
    'a backup holds all that is referred to, for its owner alone, and is restored as it was',
    async () => {
      await state.blobs.put('nobody’s')
      // A name that a shell or a URI would read otherwise.
      const target = join(folder, `it's "a" back?up%20#1`)
      expect(await backUp(dataDir, target)).toMatchObject(succeeds)
      expect(readdirSync(target).toSorted()).toEqual([
        'backup.json',
        'blobs',
        'credentials',
        'master.key',
        'preamp.db',
      ])
      expect(statSync(target).mode & 0o777).toBe(0o700)
      for (const file of ['backup.json', 'credentials', 'master.key', 'preamp.db']) {
        expect(statSync(join(target, file)).mode & 0o777).toBe(0o600)
      }
      const summary = JSON.parse(readFileSync(join(target, 'backup.json'), 'utf8')) as BackupSummary
      expect(summary).toMatchObject({ version: 1, blobs: 3 })

      const restored = join(folder, 'restored')
      expect(await restore(target, restored)).toMatchObject(succeeds)
      for (const file of ['credentials', 'master.key', 'preamp.db']) {
        expect(readFileSync(join(restored, file))).toEqual(readFileSync(join(target, file)))
        expect(statSync(join(restored, file)).mode & 0o777).toBe(0o600)
      }
      expect(await doctor(restored)).toMatchObject({
        exitCode: 0,
        output: expect.stringContaining('1 deployment, 3 objects'),
      })
    },
    5 * commandMillisecondsMax,
  )

  test(
    'a backup while deployments come and go is of one moment, and whole',
    async () => {
      const { branchId } = await storeSite(state, { 'index.html': '0' })
      const end = new AbortController()
      const writing = (async () => {
        for (let version = 1; !end.signal.aborted; version++) {
          await storeDeployment(state, branchId, { 'index.html': `${version}`, 'a.txt': `a of ${version}` })
        }
        return 'written'
      })()
      try {
        const target = join(folder, 'backup')
        expect(await backUp(dataDir, target)).toMatchObject(succeeds)
        expect(await restore(target, join(folder, 'restored'))).toMatchObject(succeeds)
        expect(await doctor(join(folder, 'restored'))).toMatchObject(succeeds)
      } finally {
        end.abort()
        expect(await writing).toBe('written')
      }
    },
    5 * commandMillisecondsMax,
  )

  test(
    'a backup goes into an empty folder only',
    async () => {
      mkdirSync(join(folder, 'empty'))
      expect(await backUp(dataDir, join(folder, 'empty'))).toMatchObject(succeeds)
      expect(await backUp(dataDir, join(folder, 'empty'))).toMatchObject(refuses(/is not empty/))
      expect(existsSync(join(folder, 'empty', 'backup.json'))).toBe(true)
      writeFileSync(join(folder, 'file'), '')
      expect(await backUp(dataDir, join(folder, 'file'))).toMatchObject(refuses(/No backup was made: EEXIST/))
    },
    5 * commandMillisecondsMax,
  )

  test.each([
    ['missing', (path: string) => rmSync(path)],
    ['damaged', (path: string) => writeFileSync(path, 'something else')],
  ])(
    'a backup of a state with %s bytes is refused and leaves nothing',
    async (condition, harm) => {
      harm(blobPath(state.directory, shaOf('a')))
      const target = join(folder, 'backup')
      expect(await backUp(dataDir, target)).toMatchObject(
        refuses(new RegExp(`${shaOf('a')} is ${condition}.*preamp doctor`)),
      )
      expect(readdirSync(target)).toEqual([])
    },
    commandMillisecondsMax,
  )

  test(
    'nothing is freed while a backup is at work',
    async () => {
      const held: boolean[] = []
      const database = await openDatabase(`sqlite:${state.directory.database}`, { readonly: true })
      const release = lockBlobDeletion(dataDir, 0)
      await backup({
        database,
        blobs: await openDiskBlobs(state.directory.blobs, { readonly: true }),
        from: state.directory,
        to: dataDirectoryAt(join(folder, 'backup')),
        preamp: '0',
        now: 1,
        progress: () => held.push(lockBlobDeletion(dataDir, 0) === undefined),
      })
      release?.()
      await database.close()
      expect(held).toEqual([true, true, true])
      const again = lockBlobDeletion(dataDir, 0)
      expect(again).toBeFunction()
      expect(await backUp(dataDir, join(folder, 'second'))).toMatchObject(refuses(/Another backup/))
      again?.()
    },
    2 * commandMillisecondsMax,
  )

  test(
    'PostgreSQL is left to its own tools',
    async () => {
      const environment = { PREAMP_DATABASE_URL: 'postgres://localhost/preamp' }
      const target = join(folder, 'backup')
      expect(await preamp(['backup', target, '--data-dir', dataDir], environment)).toMatchObject(
        refuses(/pg_dump/),
      )
      expect(existsSync(target)).toBe(false)
    },
    commandMillisecondsMax,
  )

  describe('a restore', () => {
    let target: string
    let restored: string
    beforeEach(async () => {
      target = join(folder, 'backup')
      restored = join(folder, 'restored')
      expect(await backUp(dataDir, target)).toMatchObject(succeeds)
    }, commandMillisecondsMax)

    test(
      'over another state is refused',
      async () => {
        expect(await restore(target, dataDir)).toMatchObject(refuses(/is not empty/))
      },
      commandMillisecondsMax,
    )

    test.each<[string, RegExp, (target: string) => void]>([
      ['not finished', /not finished/, (path) => rmSync(join(path, 'backup.json'))],
      ['cut off', /backup\.json is damaged/, (path) => writeFileSync(join(path, 'backup.json'), '{"ver')],
      ['without its key', /master\.key is missing/, (path) => rmSync(join(path, 'master.key'))],
      [
        'with another database',
        /preamp\.db is damaged/,
        (path) => writeFileSync(join(path, 'preamp.db'), 'x'),
      ],
      ['without a file’s bytes', /is missing/, (path) => rmSync(blobPath(dataDirectoryAt(path), shaOf('a')))],
      [
        'with wrong bytes',
        /is damaged/,
        (path) => writeFileSync(blobPath(dataDirectoryAt(path), shaOf('a')), 'b'),
      ],
    ])(
      'of one %s is refused and leaves nothing',
      async (_, message, harm) => {
        harm(target)
        expect(await restore(target, restored)).toMatchObject(refuses(message))
        expect(existsSync(restored)).toBe(false)
      },
      commandMillisecondsMax,
    )

    test(
      'beside another master key is refused, beside the same is not',
      async () => {
        const file = join(folder, 'key')
        const environment = { PREAMP_MASTER_KEY_FILE: file }
        const args = ['restore', target, '--data-dir', restored]
        writeFileSync(file, `${'cd'.repeat(32)}\n`)
        expect(await preamp(args, environment)).toMatchObject(refuses(/another master key/))
        expect(existsSync(restored)).toBe(false)
        writeFileSync(file, `${'ab'.repeat(32)}\n`)
        expect(await preamp(args, environment)).toMatchObject(succeeds)
        expect(existsSync(join(restored, 'master.key'))).toBe(false)
      },
      2 * commandMillisecondsMax,
    )
  })
})

async function upload({ fileUploadUrls, jobId }: CreateDeploymentCommandOutput): Promise<string> {
  const url = fileUploadUrls!['index.html']!
  expect((await fetch(url, { method: 'PUT', body: 'hello' })).status).toBe(200)
  return jobId!
}

describe('beside a running server', () => {
  const branchName = 'main'
  let server: TestPreamp
  let appId: string
  beforeAll(async () => {
    server = await startPreamp()
    const { app } = await server.client.send(new CreateAppCommand({ name: 'site' }))
    appId = app!.appId!
    await server.client.send(new CreateBranchCommand({ appId, branchName }))
  }, commandMillisecondsMax)
  afterAll(() => server.stop(), commandMillisecondsMax)

  const create = (on: TestPreamp) =>
    on.client.send(new CreateDeploymentCommand({ appId, branchName, fileMap }))
  const fileMap = { 'index.html': '5d41402abc4b2a76b9719d911017c592' }

  async function start(on: TestPreamp, jobId: string): Promise<void> {
    await on.client.send(new StartDeploymentCommand({ appId, branchName, jobId }))
    const status = await waitFor(`job ${jobId} to end`, 30, async () => {
      const { job } = await on.client.send(new GetJobCommand({ appId, branchName, jobId }))
      return ['SUCCEED', 'FAILED'].includes(job!.summary!.status!) && job!.summary!.status!
    })
    expect(status).toBe('SUCCEED')
  }

  const visit = async (on: TestPreamp) => {
    const { port } = new URL(on.sitesUrl)
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { host: `${branchName}.${appId}.localhost:${port}` },
    })
    return `${response.status} ${await response.text()}`
  }

  test(
    'a backup is taken, and a server started on it shows the site, knows the jobs and the keys',
    async () => {
      await start(server, await upload(await create(server)))
      const waiting = await create(server)
      expect(await doctor(server.dataDir)).toMatchObject({
        exitCode: 0,
        output: expect.stringContaining('Nothing is wrong.'),
      })
      const target = join(folder, 'backup')
      expect(await backUp(server.dataDir, target)).toMatchObject(succeeds)
      await server.client.send(new DeleteJobCommand({ appId, branchName, jobId: waiting.jobId! }))
      expect(await visit(server)).toBe('200 hello')

      const restored = join(folder, 'restored')
      expect(await restore(target, restored)).toMatchObject(succeeds)
      const second = await startPreamp({ dataDir: restored })
      try {
        expect(second.credentials.accessKeyId).toBe(server.credentials.accessKeyId)
        expect(await visit(second)).toBe('200 hello')
        const { job } = await second.client.send(
          new GetJobCommand({ appId, branchName, jobId: waiting.jobId! }),
        )
        expect(job?.summary?.status).toBe('CREATED')
        expect(await doctor(restored)).toMatchObject(succeeds)
        expect(await restore(target, restored)).toMatchObject(refuses(/is not empty/))
      } finally {
        await second.stop()
      }
    },
    6 * commandMillisecondsMax,
  )
})
