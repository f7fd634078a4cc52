import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import { collectFileMap } from '../../src/deploy/collect-file-map.ts'
import { collectZip } from '../../src/deploy/collect-zip.ts'
import { JobNotRunning, publish, settle, withdraw } from '../../src/deploy/publish.ts'
import { RefusedContent } from '../../src/deploy/refused-content.ts'
import type { JobStatus } from '../../src/model/jobs.ts'
import type { Manifest } from '../../src/model/manifest.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { findDeployment, findSite } from '../../src/store/deployments.ts'
import { changeJob, deleteJob } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { insertUploads, listUploads, recordUpload } from '../../src/store/uploads.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { addJob, addSite } from '../support/site-rows.ts'
import { zipOf } from '../support/zip-writer.ts'

let database: Database
let blobs: ReturnType<typeof memoryBlobs>
let appId: string
let branchId: string
/** The branch's first job, which runs. */
let first: JobRow

beforeEach(async () => {
  database = await openDatabase('sqlite::memory:')
  blobs = memoryBlobs()
  const site = await addSite(database)
  appId = site.appId
  branchId = site.branchId
  first = site.job
})
afterEach(() => database.close())

const finish = (job: JobRow, status: JobStatus) =>
  changeJob(database.queries, job.jobKey, ['RUNNING', 'CANCELLING'], { status })

const collect = (text: string) =>
  collectZip(zipOf([{ name: 'index.html', content: text }]), { blobs, log: () => undefined })

const release = async (job: JobRow, text: string, now = 2) =>
  publish({ database, blobs, job, manifest: await collect(text), now })

/** What a visitor of `/` gets, by the rows and blobs alone. */
async function visit(): Promise<string | undefined> {
  const site = await findSite(database.queries, appId, 'main')
  if (!site?.deployment) return undefined
  const manifest = JSON.parse(await blobs.open(site.deployment.manifestSha).text()) as Manifest
  return blobs.open(manifest.files['index.html']!.sha).text()
}

describe('publish', () => {
  test('shows the deployment and says what was live before', async () => {
    const published = await release(first, 'one', 5)
    expect(published).toEqual({
      deployment: {
        deploymentId: first.deploymentId,
        branchId,
        jobKey: first.jobKey,
        manifestSha: published.deployment.manifestSha,
        files: 1,
        bytes: 3,
        createdAt: 5,
        replacedAt: null,
        skewProtected: false,
      },
      previousDeploymentId: null,
    })
    expect(await visit()).toBe('one')
    await finish(first, 'SUCCEED')
    const second = await addJob(database, branchId)
    expect((await release(second, 'two')).previousDeploymentId).toBe(first.deploymentId)
    expect(await visit()).toBe('two')
  })

  test.each<JobStatus>(['CANCELLING', 'CANCELLED', 'FAILED'])(
    'changes nothing for a job that is %s',
    async (status) => {
      await release(first, 'one')
      await finish(first, 'SUCCEED')
      const second = await addJob(database, branchId)
      await finish(second, status)
      await expect(release(second, 'two')).rejects.toBeInstanceOf(JobNotRunning)
      expect(await visit()).toBe('one')
      expect(await findDeployment(database.queries, second.deploymentId)).toBeUndefined()
    },
  )

  test('changes nothing for a job that was deleted with its branch', async () => {
    await database.queries.deleteFrom('branches').execute()
    await expect(release(first, 'one')).rejects.toBeInstanceOf(JobNotRunning)
  })

  test('of a stop and a publish at the same time, one happens', async () => {
    await finish(first, 'FAILED')
    for (let round = 0; round < 20; round++) {
      const job = await addJob(database, branchId)
      const manifest = await collect(`round ${round}`)
      const before = await visit()
      const [published, stopped] = await Promise.allSettled([
        publish({ database, blobs, job, manifest, now: 2 }),
        changeJob(database.queries, job.jobKey, ['RUNNING'], { status: 'CANCELLING' }),
      ])
      expect(stopped.status).toBe('fulfilled')
      expect(await visit()).toBe(published.status === 'fulfilled' ? `round ${round}` : before)
      await finish(job, 'CANCELLED')
    }
  })

  test('a job that lost its server after publishing keeps its deployment', async () => {
    const { deployment } = await release(first, 'one')
    const again = await release(first, 'changed meanwhile', 9)
    expect(again).toEqual({ deployment, previousDeploymentId: deployment.deploymentId })
    expect(await visit()).toBe('one')
    expect(await withdraw(database, again, 10)).toBe(false)
    expect(await visit()).toBe('one')
  })

  test('a refused archive leaves the site as it was', async () => {
    await release(first, 'one')
    const hostile = zipOf([{ name: 'index.html', content: 'two' }, { name: '../evil' }])
    await expect(collectZip(hostile, { blobs, log: () => undefined })).rejects.toBeInstanceOf(RefusedContent)
    expect(await visit()).toBe('one')
  })
})

describe('withdraw', () => {
  test('puts back what was live, or nothing', async () => {
    const published = await release(first, 'one')
    await finish(first, 'SUCCEED')
    const second = await addJob(database, branchId)
    expect(await withdraw(database, await release(second, 'two'), 3)).toBe(true)
    expect(await visit()).toBe('one')
    expect(await findDeployment(database.queries, second.deploymentId)).toBeUndefined()
    expect(await withdraw(database, published, 4)).toBe(true)
    expect(await visit()).toBeUndefined()
  })

  test('puts back a deployment whose job was deleted; settle forgets it', async () => {
    await release(first, 'one')
    await finish(first, 'SUCCEED')
    expect(
      await database.transaction((transaction) => deleteJob(transaction, first.jobKey, ['SUCCEED'])),
    ).toBe(true)
    expect(await visit()).toBe('one')
    const second = await addJob(database, branchId)
    expect(await withdraw(database, await release(second, 'two'), 3)).toBe(true)
    expect(await visit()).toBe('one')
    await finish(second, 'FAILED')
    const third = await addJob(database, branchId)
    await settle(database, await release(third, 'three'))
    expect(await visit()).toBe('three')
    expect(await findDeployment(database.queries, first.deploymentId)).toBeUndefined()
  })

  test('leaves the site up when the earlier deployment is gone', async () => {
    await release(first, 'one')
    await finish(first, 'SUCCEED')
    const second = await addJob(database, branchId)
    const published = await release(second, 'two')
    await database.transaction((transaction) => deleteJob(transaction, first.jobKey, ['SUCCEED']))
    expect(await withdraw(database, published, 3)).toBe(false)
    expect(await visit()).toBe('two')
  })

  test('does not touch what another job published since', async () => {
    const published = await release(first, 'one')
    await finish(first, 'SUCCEED')
    await release(await addJob(database, branchId), 'two')
    expect(await withdraw(database, published, 3)).toBe(false)
    expect(await visit()).toBe('two')
  })
})

describe('a file map', () => {
  test('becomes a manifest of what was uploaded', async () => {
    const job = await addJob(database, branchId, 'CREATED')
    const names = ['index.html', 'a/b.css', '__proto__']
    await insertUploads(
      database.queries,
      names.map((name) => ({ jobKey: job.jobKey, name, md5: null, sha: null, bytes: null })),
    )
    for (const name of names) {
      const { sha, size } = await blobs.put(`text of ${name}`)
      await recordUpload(database.queries, job.jobKey, name, { sha, bytes: size })
    }
    await finish(first, 'FAILED')
    await changeJob(database.queries, job.jobKey, ['CREATED'], { status: 'RUNNING' })
    const manifest = collectFileMap(await listUploads(database.queries, job.jobKey))
    expect(Object.keys(manifest.files)).toEqual(['__proto__', 'a/b.css', 'index.html'])
    await publish({ database, blobs, job, manifest, now: 2 })
    expect(await visit()).toBe('text of index.html')
  })

  const uploaded = { sha: 'a'.repeat(64), bytes: 1 }
  test.each([
    [
      'names the file that is missing',
      [{ name: 'a.css', sha: null, bytes: null }],
      /"a\.css" was not uploaded/,
    ],
    ['refuses a name that climbs', [{ name: '../evil', ...uploaded }], /"\.\." part/],
    ['refuses an absolute name', [{ name: '/index.html', ...uploaded }], /absolute/],
    [
      'refuses two forms of a name',
      [
        { name: 'é', ...uploaded },
        { name: 'e\u0301', ...uploaded },
      ],
      /Unicode forms/,
    ],
    ['refuses an empty map', [], /no files/],
  ])('%s', (_what, uploads, reason) => {
    expect(() => collectFileMap(uploads)).toThrow(reason)
    expect(() => collectFileMap(uploads)).toThrow(RefusedContent)
  })
})
