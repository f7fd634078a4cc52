import { describe, expect, test } from 'bun:test'

import { newAppId, newId } from '../../src/model/ids.ts'
import { parsePermanentLabel, permanentLabel } from '../../src/model/permanent-address.ts'
import { insertApp } from '../../src/store/apps.ts'
import {
  findArtifact,
  findJobArtifact,
  insertArtifact,
  listTestArtifacts,
} from '../../src/store/artifacts.ts'
import { listBlobReferences } from '../../src/store/blob-references.ts'
import { findBranchOverviews } from '../../src/store/branch-overview.ts'
import { findBranchById, insertBranch } from '../../src/store/branches.ts'
import { openDatabase } from '../../src/store/database.ts'
import {
  activateDeployment,
  deactivateDeployment,
  findDeployment,
  findSite,
  findSiteOfJob,
  insertDeployment,
  listReplacedDeployments,
} from '../../src/store/deployments.ts'
import { deleteJob, insertJob, listJobs } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { changeStep, deleteSteps, findStep, insertStep, listSteps } from '../../src/store/steps.ts'
import { findUpload, insertUploads, listUploads, recordUpload } from '../../src/store/uploads.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import {
  appRow,
  artifactRow,
  awkward,
  beyond32Bits,
  branchRow,
  deploymentRow,
  jobRow,
  stepRow,
} from '../support/rows.ts'
import { storeFixture } from '../support/store-fixture.ts'

const late = { startedAt: beyond32Bits }
const large = { bytes: beyond32Bits }

describe.each(databaseServers(requires('postgres')))('what jobs leave behind on %s', (_name, start) => {
  const store = storeFixture(start)
  const overviewOf = async ({ branchId }: { branchId: string }) =>
    (await findBranchOverviews(store.database.queries, [branchId]))(branchId)

  describe('steps', () => {
    test('come in their order, and change one by one', async () => {
      const { jobKey } = await store.addJob()
      for (const name of ['BUILD', 'DEPLOY', 'VERIFY'] as const) {
        await insertStep(store.database.queries, stepRow(jobKey, name, late))
      }
      const change = { status: 'SUCCEED', endedAt: 9, logSha: 'b'.repeat(64), context: awkward } as const
      expect(await changeStep(store.database.queries, jobKey, 'DEPLOY', change)).toBe(true)
      const steps = await listSteps(store.database.queries, jobKey)
      expect(steps.map(({ name }) => name)).toEqual(['BUILD', 'DEPLOY', 'VERIFY'])
      expect(steps[1]).toEqual({ ...stepRow(jobKey, 'DEPLOY', late), ...change })
      expect(await findStep(store.database.queries, jobKey, 'BUILD')).toEqual(stepRow(jobKey, 'BUILD', late))
      expect(await changeStep(store.database.queries, jobKey, 'TEST', change)).toBe(false)
      await deleteSteps(store.database.queries, jobKey)
      expect(await listSteps(store.database.queries, jobKey)).toEqual([])
    })
  })

  describe('uploads', () => {
    test('of a large file map are kept, in the order of their names, and recorded one by one', async () => {
      const { jobKey } = await store.addJob()
      const rows = Array.from({ length: 1234 }, (_, index) => ({
        jobKey,
        name: `${index % 2 ? 'B' : 'a'}/${String(index).padStart(4, '0')}`,
        md5: 'c'.repeat(32),
        sha: null,
        bytes: null,
      }))
      await insertUploads(store.database.queries, rows)
      const names = (await listUploads(store.database.queries, jobKey)).map(({ name }) => name)
      expect(names).toEqual(rows.map(({ name }) => name).toSorted())
      const content = { sha: 'd'.repeat(64), ...large }
      expect(await recordUpload(store.database.queries, jobKey, rows[7]!.name, content)).toBe(true)
      expect(await findUpload(store.database.queries, jobKey, rows[7]!.name)).toEqual({
        ...rows[7]!,
        ...content,
      })
      expect(await recordUpload(store.database.queries, jobKey, 'unknown', content)).toBe(false)
    })
  })

  describe('artifacts', () => {
    test('are made once, and found by id and by name', async () => {
      const job = await store.addJob()
      const artifact = artifactRow(job.jobKey, 'shot.png', large)
      await insertArtifact(store.database.queries, artifact)
      await insertArtifact(store.database.queries, artifactRow(job.jobKey, 'shot.png', large))
      expect(await findArtifact(store.database.queries, artifact.artifactId)).toEqual(artifact)
      expect(await findJobArtifact(store.database.queries, job.jobKey, 'test', 'shot.png')).toEqual(artifact)
      expect(
        await findJobArtifact(store.database.queries, job.jobKey, 'build-output', 'shot.png'),
      ).toBeUndefined()
    })

    test('of tests come in pages by the bytes of their names', async () => {
      const job = await store.addJob()
      for (const name of ['b', 'B', 'a/c', 'a'])
        await insertArtifact(store.database.queries, artifactRow(job.jobKey, name))
      await insertArtifact(store.database.queries, {
        ...artifactRow(job.jobKey, 'artifacts.zip'),
        kind: 'build-output',
      })
      const page = await listTestArtifacts(store.database.queries, job.jobKey, { limit: 2 })
      expect(page.map(({ fileName }) => fileName)).toEqual(['B', 'a'])
      const rest = await listTestArtifacts(store.database.queries, job.jobKey, { after: 'a', limit: 5 })
      expect(rest.map(({ fileName }) => fileName)).toEqual(['a/c', 'b'])
    })
  })

  describe('deployments', () => {
    test('are live when the pointer names them', async () => {
      const app = await store.addApp()
      const branch = await store.addBranch({ appId: app.appId })
      expect(await findSite(store.database.queries, app.appId, 'main')).toEqual({
        app,
        branch,
        deployment: undefined,
      })
      expect((await overviewOf(branch)).activeJobNumber).toBeUndefined()
      const { job, deployment } = await store.addDeployment(branch.branchId, 77)
      const site = await findSite(store.database.queries, app.appId, 'main')
      expect(site).toEqual({
        app,
        branch: {
          ...branch,
          activeDeploymentId: deployment.deploymentId,
          lastJobNumber: 1,
          jobCount: 1,
          updatedAt: 77,
        },
        deployment,
      })
      expect((await overviewOf(site!.branch)).activeJobNumber).toBe(job.number)
      expect(await findSite(store.database.queries, app.appId, 'other')).toBeUndefined()
      expect(await findSite(store.database.queries, newAppId(), 'main')).toBeUndefined()
    })

    test('stay up without their job, cannot be chosen any more, and are forgotten when another is settled', async () => {
      const { appId, branchId } = await store.addBranch()
      const first = await store.addDeployment(branchId, 1)
      const waiting = await store.addDeployment(branchId)
      expect(await store.database.transaction((tx) => deleteJob(tx, first.job.jobKey, ['SUCCEED']))).toBe(
        true,
      )
      const site = await findSite(store.database.queries, appId, 'main')
      expect(site?.deployment).toEqual({ ...first.deployment, jobKey: null })
      expect((await overviewOf(site!.branch)).activeJobNumber).toBeUndefined()
      await store.database.transaction((tx) =>
        activateDeployment(tx, branchId, waiting.deployment.deploymentId, 2),
      )
      // The one that was live until now stays, so that the pointer can be moved back.
      expect(await findDeployment(store.database.queries, first.deployment.deploymentId)).toBeDefined()
      await store.addDeployment(branchId, 3)
      expect(await findDeployment(store.database.queries, first.deployment.deploymentId)).toBeUndefined()
      expect(await findDeployment(store.database.queries, waiting.deployment.deploymentId)).toBeDefined()
    })

    test('that are not live go with their job', async () => {
      const { branchId } = await store.addBranch()
      const old = await store.addDeployment(branchId, 1)
      const live = await store.addDeployment(branchId, 2)
      await store.database.transaction((tx) => deleteJob(tx, old.job.jobKey, ['SUCCEED']))
      expect(await findDeployment(store.database.queries, old.deployment.deploymentId)).toBeUndefined()
      expect(await findDeployment(store.database.queries, live.deployment.deploymentId)).toEqual(
        live.deployment,
      )
    })

    test('are known for what they were until another took their place, and not once they are back', async () => {
      const { branchId } = await store.addBranch()
      const first = await store.addDeployment(branchId, 1)
      const second = await store.addDeployment(branchId, 2)
      const third = await store.addDeployment(branchId, 3)
      const replaced = async (since: number, limit = 10) => {
        const rows = await listReplacedDeployments(store.database.queries, branchId, { since, limit })
        return rows.map(({ deploymentId, replacedAt }) => [deploymentId, replacedAt])
      }
      const [firstId, secondId] = [first.deployment.deploymentId, second.deployment.deploymentId]
      const thirdId = third.deployment.deploymentId
      expect(await replaced(0)).toEqual([
        [secondId, 3],
        [firstId, 2],
      ])
      expect(await replaced(2)).toEqual([[secondId, 3]])
      expect(await replaced(0, 1)).toEqual([[secondId, 3]])
      const show = (id: string, at: number) =>
        store.database.transaction((tx) => activateDeployment(tx, branchId, id, at))
      await show(firstId, 4)
      await show(firstId, 5)
      expect(await replaced(0)).toEqual([
        [thirdId, 4],
        [secondId, 3],
      ])
      await store.database.transaction((tx) => deactivateDeployment(tx, branchId, firstId, thirdId, 6))
      expect(await replaced(0)).toEqual([[secondId, 3]])
      await store.database.transaction((tx) => deleteJob(tx, second.job.jobKey, ['SUCCEED']))
      expect(await replaced(0)).toEqual([])
    })

    test('are found at the address of their job, also where the name of the branch was cut', async () => {
      const { queries } = store.database
      for (const displayName of ['short', 'x'.repeat(63), `${'y'.repeat(60)}-1`]) {
        const { appId, branchId } = await store.addBranch({ displayName })
        const { job, deployment } = await store.addDeployment(branchId, 1)
        await store.addDeployment(branchId, 2)
        const address = parsePermanentLabel(permanentLabel(displayName, job.number))!
        expect((await findSiteOfJob(queries, appId, address))?.deployment?.deploymentId).toBe(
          deployment.deploymentId,
        )
        const none = await findSiteOfJob(queries, appId, { ...address, jobNumber: 99 })
        expect(none?.deployment).toBeUndefined()
        expect(await findSiteOfJob(queries, appId, { branch: 'z-12345678', jobNumber: 1 })).toBeUndefined()
      }
    })

    test('give way to the one before, once, and only while they are live', async () => {
      const { branchId } = await store.addBranch()
      const first = await store.addDeployment(branchId, 1)
      const second = await store.addDeployment(branchId, 2)
      const back = (from: string, to: string | null) =>
        store.database.transaction((tx) => deactivateDeployment(tx, branchId, from, to, 3))
      const [firstId, secondId] = [first.deployment.deploymentId, second.deployment.deploymentId]
      expect(await back(firstId, secondId)).toBe(false)
      expect(await back(secondId, newId())).toBe(false)
      expect(await back(secondId, firstId)).toBe(true)
      expect((await findBranchById(store.database.queries, branchId))?.activeDeploymentId).toBe(firstId)
      expect(await findDeployment(store.database.queries, secondId)).toBeUndefined()
      expect(await back(firstId, null)).toBe(true)
      expect((await findBranchById(store.database.queries, branchId))?.activeDeploymentId).toBeNull()
    })
  })

  test('lists every hash that a row names, in whichever table', async () => {
    const own = await openDatabase(await store.server.createDatabase())
    try {
      const app = appRow()
      const branch = branchRow(app.appId)
      const job = jobRow(branch.branchId, 1)
      await insertApp(own.queries, app)
      await insertBranch(own.queries, branch)
      await insertJob(own.queries, job)
      expect(await listBlobReferences(own.queries)).toEqual({ manifests: new Set(), others: new Set() })
      await insertDeployment(own.queries, deploymentRow(job, { manifestSha: 'manifest' }))
      await insertArtifact(own.queries, artifactRow(job.jobKey, 'a', { sha: 'artifact' }))
      await insertStep(own.queries, stepRow(job.jobKey, 'BUILD', { logSha: 'log' }))
      await insertStep(own.queries, stepRow(job.jobKey, 'DEPLOY'))
      await insertUploads(own.queries, [
        { jobKey: job.jobKey, name: 'a', md5: null, sha: 'upload', bytes: 1 },
        { jobKey: job.jobKey, name: 'b', md5: null, sha: null, bytes: null },
      ])
      expect(await listBlobReferences(own.queries)).toEqual({
        manifests: new Set(['manifest']),
        others: new Set(['artifact', 'log', 'upload']),
      })
    } finally {
      await own.close()
    }
  })

  test('counts and pages jobs, newest first, whatever comes and goes', async () => {
    const { branchId } = await store.addBranch()
    const made: JobRow[] = []
    for (let index = 0; index < 12; index++) made.unshift(await store.addJob({ branchId, createdAt: 1 }))
    const first = await listJobs(store.database.queries, branchId, { limit: 4 })
    expect(first).toEqual(made.slice(0, 4))
    await store.addJob({ branchId })
    await store.database.transaction((tx) => deleteJob(tx, first[3]!.jobKey, ['SUCCEED']))
    const rest = await listJobs(store.database.queries, branchId, { before: first[3]!.number, limit: 50 })
    expect(rest).toEqual(made.slice(4))
    expect((await findBranchById(store.database.queries, branchId))?.jobCount).toBe(12)
  })
})
