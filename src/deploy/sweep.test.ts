import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'

import { addJob } from '../../test/support/site-rows.ts'
import {
  blobPath,
  openStoredState,
  shaOf,
  storeDeployment,
  type StoredState,
  storeSite,
} from '../../test/support/stored-site.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { newId } from '../model/ids.ts'
import { insertArtifact } from '../store/artifacts.ts'
import { changeJob, deleteJob } from '../store/jobs.ts'
import { insertStep } from '../store/steps.ts'
import { insertUploads } from '../store/uploads.ts'
import { publish } from './publish.ts'
import { UnreadableManifest } from './read-manifest.ts'
import { sweepBlobs } from './sweep.ts'

const hour = 3600 * 1000

let state: StoredState
beforeEach(async () => {
  state = await openStoredState()
})
afterEach(() => state.close())

/** A sweep two hours from now with a grace period of one. */
const sweepLater = (blobs: Blobs = state.blobs) =>
  sweepBlobs({ database: state.database, blobs, graceMilliseconds: hour, now: () => Date.now() + 2 * hour })

describe('sweepBlobs', () => {
  test('frees what nothing refers to, once the grace period is over', async () => {
    const { sha } = await state.blobs.put('nobody’s')
    const now = () => Date.now() + hour / 2
    expect(
      await sweepBlobs({ database: state.database, blobs: state.blobs, graceMilliseconds: hour, now }),
    ).toEqual({ blobs: 0, bytes: 0 })
    expect(await state.blobs.has(sha)).toBe(true)
    expect(await sweepLater()).toEqual({ blobs: 1, bytes: 10 })
    expect(await state.blobs.has(sha)).toBe(false)
  })

  test('keeps files, manifests, uploads, artifacts and logs', async () => {
    const { branchId, job } = await storeSite(state, { 'index.html': 'hello', 'a.txt': 'a' })
    await storeDeployment(state, branchId, { 'index.html': 'hello again' })
    const [upload, artifact, log] = await Promise.all(
      ['upload', 'artifact', 'log'].map(async (text) => (await state.blobs.put(text)).sha),
    )
    const { queries } = state.database
    const { jobKey } = job
    await insertUploads(queries, [{ jobKey, name: '', md5: null, sha: upload!, bytes: 6 }])
    await insertArtifact(queries, {
      artifactId: newId(),
      jobKey,
      kind: 'test',
      fileName: 'a.png',
      sha: artifact!,
      bytes: 8,
      createdAt: 1,
    })
    await insertStep(queries, {
      jobKey,
      name: 'DEPLOY',
      position: 2,
      status: 'SUCCEED',
      statusReason: null,
      context: null,
      startedAt: 1,
      endedAt: 2,
      logSha: log!,
    })
    expect(await sweepLater()).toEqual({ blobs: 0, bytes: 0 })
  })

  test('frees the bytes of a deleted job that the live site does not share', async () => {
    const { branchId, job } = await storeSite(state, { 'index.html': 'one', 'shared.css': 'body {}' })
    await storeDeployment(state, branchId, { 'index.html': 'two', 'shared.css': 'body {}' })
    await state.database.transaction((transaction) => deleteJob(transaction, job.jobKey, ['SUCCEED']))
    await sweepLater()
    expect(await state.blobs.has(shaOf('one'))).toBe(false)
    expect(await state.blobs.has(shaOf('two'))).toBe(true)
    expect(await state.blobs.has(shaOf('body {}'))).toBe(true)
  })

  test.each([
    ['missing', (path: string) => rmSync(path)],
    ['damaged', (path: string) => writeFileSync(path, '{"version":1,"files":{}}')],
  ])('frees nothing while a manifest is %s', async (condition, harm) => {
    await storeSite(state, { 'index.html': 'hello' })
    const { sha } = await state.blobs.put('nobody’s')
    const { manifestSha } = await state.database.queries
      .selectFrom('deployments')
      .select('manifestSha')
      .executeTakeFirstOrThrow()
    harm(blobPath(state.directory, manifestSha))
    const sweeping = sweepLater()
    await expect(sweeping).rejects.toThrow(UnreadableManifest)
    await expect(sweeping).rejects.toThrow(new RegExp(`${manifestSha} is ${condition}.*preamp doctor`))
    expect(await state.blobs.has(sha)).toBe(true)
    expect(await state.blobs.has(shaOf('hello'))).toBe(true)
  })
})

/** Does something just before the sweep deletes its first blob. */
function beforeDeletion(act: () => Promise<unknown>): Blobs {
  let done: Promise<unknown> | undefined
  return {
    ...state.blobs,
    async delete(sha, options) {
      await (done ??= act())
      return state.blobs.delete(sha, options)
    },
  }
}

/** By this clock all that was put before is old, and what is put from now on is not. */
function sweepAllBefore(blobs: Blobs) {
  const now = Date.now()
  return sweepBlobs({ database: state.database, blobs, graceMilliseconds: 0, now: () => now })
}

describe('beside a publish, at its worst moment,', () => {
  test('the sweep keeps bytes that are put again', async () => {
    const { branchId } = await storeSite(state, { 'index.html': 'hello' })
    const old = await state.blobs.put('was nobody’s')
    await Bun.sleep(10)
    const blobs = beforeDeletion(async () => {
      await Bun.sleep(10)
      const job = await addJob(state.database, branchId)
      const again = await state.blobs.put('was nobody’s')
      expect(again.sha).toBe(old.sha)
      const manifest = { version: 1 as const, files: { 'index.html': again } }
      await publish({ database: state.database, blobs: state.blobs, job, manifest, now: 1 })
      await changeJob(state.database.queries, job.jobKey, ['RUNNING'], { status: 'SUCCEED' })
    })
    await sweepAllBefore(blobs)
    expect(await state.blobs.verify(old.sha)).toBe('ok')
  })

  test('whoever touches bytes finds them kept or gone, never neither', async () => {
    for (let round = 0; round < 20; round++) {
      const { sha } = await state.blobs.put(`round ${round}`)
      await Bun.sleep(6)
      const sweeping = sweepAllBefore(state.blobs)
      for (let turn = 0; turn < round; turn++) await new Promise(setImmediate)
      const kept = await state.blobs.touch(sha)
      await sweeping
      expect(await state.blobs.has(sha)).toBe(kept)
    }
  })
})
