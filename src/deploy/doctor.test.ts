import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { sql } from 'kysely'

import { startPostgres, type TemporaryPostgres } from '../../test/support/postgres.ts'
import { requires } from '../../test/support/requires.ts'
import { stepRow } from '../../test/support/rows.ts'
import { addJob } from '../../test/support/site-rows.ts'
import {
  blobPath,
  openStoredState,
  shaOf,
  storeDeployment,
  type StoredSite,
  type StoredState,
  storeSite,
} from '../../test/support/stored-site.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { lockDataDirectory } from '../data-directory.ts'
import { openDatabase } from '../store/database.ts'
import { listStalePointers } from '../store/integrity.ts'
import { deleteJob } from '../store/jobs.ts'
import { SecretBox } from '../store/secret-box.ts'
import { insertStep, listSteps } from '../store/steps.ts'
import { diagnose, type Patient, repair } from './doctor.ts'

let state: StoredState
let site: StoredSite
let patient: Patient
beforeEach(async () => {
  state = await openStoredState()
  site = await storeSite(state, { 'index.html': 'hello', 'a.css': 'a', 'b.css': 'b', 'c.css': 'c' })
  const secrets = new SecretBox(Buffer.alloc(32, 1))
  patient = { ...state, secrets, workRoot: state.directory.work, isServed: true, now: Date.now }
})
afterEach(() => state.close())

const patienceMilliseconds = 0
const findings = async () => (await diagnose(patient, { patienceMilliseconds })).findings
const findOnly = async () => {
  const found = await findings()
  expect(found).toHaveLength(1)
  return found[0]!
}
const damage = (text: string) => writeFileSync(blobPath(state.directory, shaOf(text)), 'something else')
const remove = (sha: string) => rmSync(blobPath(state.directory, sha))
const manifestSha = async () =>
  (await state.database.queries.selectFrom('deployments').select('manifestSha').executeTakeFirstOrThrow())
    .manifestSha
/** Fails the test should `repair` do more than its finding says. */
const mend = async () => (await repair(await findings())).map(({ done }) => done)

test('finds nothing where nothing is wrong, and counts', async () => {
  await state.blobs.put('nobody’s')
  const { findings: found, counts } = await diagnose(patient, { patienceMilliseconds })
  expect(found).toEqual([])
  expect(counts).toMatchObject({ deployments: 1, unreferenced: { blobs: 1, bytes: 10 } })
  expect(counts?.stored.blobs).toBe(6)
})

describe('bytes', () => {
  test('missing from the live site: names app, branch, job and file, and cannot be mended', async () => {
    remove(shaOf('a'))
    const finding = await findOnly()
    expect(finding.problem).toBe(
      `App ${site.appId}, branch main, job 1: a.css: missing (object ${shaOf('a')}).`,
    )
    expect(finding.advice).toMatch(/^deploy the branch again, and delete job 1; or copy /i)
    expect(finding.repair).toBeUndefined()
  })

  test('many missing from one site are one finding', async () => {
    for (const text of ['hello', 'a', 'b', 'c']) remove(shaOf(text))
    expect((await findOnly()).problem).toContain('index.html, a.css, b.css and 1 more: missing')
  })

  test('damaged are removed by the repair, so that a deploy puts the right ones back', async () => {
    damage('a')
    expect((await findOnly()).problem).toContain('a.css: damaged')
    expect(await mend()).toEqual(['Removed 1 damaged object.'])
    expect((await findOnly()).problem).toContain('a.css: missing')
    await storeDeployment(state, site.branchId, { 'a.css': 'a' })
    expect(await findings()).toEqual([])
  })

  test('damaged that nothing refers to are found and removed', async () => {
    const { sha } = await state.blobs.put('nobody’s')
    damage('nobody’s')
    expect((await findOnly()).problem).toBe(`The object ${sha} is damaged. Nothing refers to it.`)
    await mend()
    expect(await findings()).toEqual([])
    expect(await state.blobs.has(sha)).toBe(false)
  })

  test.each([
    ['missing', (sha: string) => remove(sha)],
    ['damaged', (sha: string) => writeFileSync(blobPath(state.directory, sha), 'no JSON')],
  ])('of a manifest, %s', async (condition, harm) => {
    harm(await manifestSha())
    expect((await findOnly()).problem).toContain(`the list of the files of its deployment: ${condition}`)
  })

  test('missing from a deployment that is not live: its job can be deleted', async () => {
    await storeDeployment(state, site.branchId, { 'index.html': 'two' })
    remove(shaOf('hello'))
    expect((await findOnly()).advice).toMatch(/^delete job 1/i)
    await state.database.transaction((transaction) => deleteJob(transaction, site.job.jobKey, ['SUCCEED']))
    expect(await findings()).toEqual([])
  })
})

describe('rows', () => {
  test('a pointer to no deployment is cleared by the repair', async () => {
    const { queries } = state.database
    await queries.updateTable('branches').set({ activeDeploymentId: 'gone' }).execute()
    expect((await findOnly()).problem).toContain(
      `App ${site.appId}, branch main: its live deployment gone does not`,
    )
    await mend()
    expect(await findings()).toEqual([])
  })

  test('a running job without a worker', async () => {
    const job = await addJob(state.database, site.branchId)
    expect((await findOnly()).problem).toContain('job 2 is RUNNING, but no worker is at it')
    await state.database.queries
      .updateTable('jobs')
      .set({ leaseExpiresAt: Date.now() + 60_000 })
      .where('jobKey', '=', job.jobKey)
      .execute()
    expect(await findings()).toEqual([])
  })

  test('an open step of a finished job is ended by the repair', async () => {
    await insertStep(state.database.queries, stepRow(site.job.jobKey, 'DEPLOY'))
    expect((await findOnly()).problem).toContain('job 1 is SUCCEED, but its step DEPLOY has no end')
    await mend()
    expect(await findings()).toEqual([])
    expect(await listSteps(state.database.queries, site.job.jobKey)).toMatchObject([{ status: 'SUCCEED' }])
  })

  test('a master key that is gone, or another one', async () => {
    await state.database.queries
      .updateTable('apps')
      .set({ secrets: patient.secrets!.seal({ accessToken: 'x' }) })
      .execute()
    expect(await findings()).toEqual([])
    patient.secrets = new SecretBox(Buffer.alloc(32, 2))
    expect((await findOnly()).problem).toContain(`does not open the stored secrets of app ${site.appId}`)
    patient.secrets = undefined
    expect((await findOnly()).problem).toContain('The master key is gone')
  })
})

describe('work folders', () => {
  const longAgo = new Date(Date.now() - 3600_000)
  const makeFolder = (name: string) => {
    const path = join(state.directory.work, name)
    mkdirSync(path)
    utimesSync(path, longAgo, longAgo)
  }

  test('of nobody are found; that of a job just ended or running is not', async () => {
    makeFolder(site.job.jobKey)
    const running = await addJob(state.database, site.branchId)
    await state.database.queries
      .updateTable('jobs')
      .set({ leaseExpiresAt: Date.now() + 60_000 })
      .where('jobKey', '=', running.jobKey)
      .execute()
    makeFolder(running.jobKey)
    expect(await findings()).toEqual([])
    makeFolder('nobody')
    expect((await findOnly()).problem).toContain(join(state.directory.work, 'nobody'))
  })

  test('and jobs that a server left behind are no trouble until it starts again', async () => {
    makeFolder('nobody')
    await addJob(state.database, site.branchId)
    const diagnosis = await diagnose({ ...patient, isServed: false }, { patienceMilliseconds })
    expect(diagnosis.findings).toEqual([])
    expect(diagnosis.settledAtStart).toHaveLength(2)
  })
})

test('what mends itself while the doctor looks is not reported', async () => {
  const blobs: Blobs = {
    ...state.blobs,
    async verify(sha) {
      const found = await state.blobs.verify(sha)
      if (found === 'missing') await state.blobs.put('a')
      return found
    },
  }
  remove(shaOf('a'))
  expect((await diagnose({ ...patient, blobs }, { patienceMilliseconds: 0 })).findings).toHaveLength(1)
  remove(shaOf('a'))
  expect((await diagnose({ ...patient, blobs }, { patienceMilliseconds: 30_000 })).findings).toEqual([])
})

test('of a database that is damaged nothing else is said', async () => {
  remove(shaOf('a'))
  const { queries } = state.database
  await sql`pragma foreign_keys = off`.execute(queries)
  await queries.updateTable('jobs').set({ branchId: 'nowhere' }).execute()
  const { findings: found, counts } = await diagnose(patient, { patienceMilliseconds })
  expect(found.map(({ problem }) => problem)).toEqual([
    'The database is damaged: a row of jobs refers to a row of branches that does not exist.',
  ])
  expect(counts).toBeUndefined()
})

/** Runs `preamp doctor` as a process of its own. */
function doctor(...parameters: string[]) {
  const command = [join(import.meta.dir, '../main.ts'), 'doctor', '--data-dir', state.directory.path]
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, ...command, ...parameters], {
    env: { PATH: process.env['PATH'] },
  })
  return { output: stdout.toString(), errors: stderr.toString(), exitCode }
}

describe('preamp doctor', () => {
  test('says what it found and what is to be done, mends, and then finds nothing', async () => {
    await state.blobs.put('nobody’s')
    damage('nobody’s')
    expect(doctor()).toMatchObject({
      exitCode: 1,
      output: expect.stringMatching(/1 problem:\n\n.*\n {2}→ Stop/),
    })
    expect(doctor('--repair')).toMatchObject({
      exitCode: 0,
      output: expect.stringMatching(/Removed 1 damaged object\.\n[^]*Nothing is wrong\.\n$/),
    })
    expect(doctor()).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('1 deployment, 5 objects'),
    })
  }, 30_000)

  test('repairs nothing beside a running server', () => {
    const release = lockDataDirectory(state.directory.path)
    expect(doctor('--repair')).toMatchObject({ exitCode: 2, errors: expect.stringContaining('Stop it') })
    expect(doctor()).toMatchObject({ exitCode: 0 })
    release()
  }, 30_000)

  test('tells of a database that cannot even be opened', async () => {
    await state.database.close()
    writeFileSync(state.directory.database, Buffer.alloc(20_000, 'x'))
    expect(doctor()).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('The database is damaged: file is not a database'),
    })
  }, 30_000)
})

describe.if(requires('postgres'))('on PostgreSQL', () => {
  let postgres: TemporaryPostgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 60_000)
  afterAll(() => postgres.stop())

  test('the doctor finds the same', async () => {
    const database = await openDatabase(await postgres.createDatabase())
    try {
      const { branchId } = await storeSite({ ...state, database }, { 'index.html': 'hello' })
      await addJob(database, branchId)
      await database.queries.updateTable('branches').set({ activeDeploymentId: 'gone' }).execute()
      remove(shaOf('hello'))
      const { findings: found } = await diagnose({ ...patient, database }, { patienceMilliseconds })
      expect(found.map(({ id }) => id.split(' ')[0])).toEqual(['pointer', 'running', 'manifest'])
      await repair(found)
      expect(await listStalePointers(database.queries)).toEqual([])
    } finally {
      await database.close()
    }
  }, 30_000)
})
