import { describe, expect, test } from 'bun:test'

import { newAppId } from '../../src/model/ids.ts'
import { deleteApp, findApp, findAppById, listApps, updateApp } from '../../src/store/apps.ts'
import { findArtifact, insertArtifact } from '../../src/store/artifacts.ts'
import {
  deleteBranch,
  findBranch,
  findBranchById,
  insertBranch,
  listBranches,
  updateBranch,
} from '../../src/store/branches.ts'
import { findDeployment, findSite } from '../../src/store/deployments.ts'
import { findJobByKey } from '../../src/store/jobs.ts'
import { insertStep, listSteps } from '../../src/store/steps.ts'
import { insertUploads, listUploads } from '../../src/store/uploads.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { artifactRow, branchRow, stepRow } from '../support/rows.ts'
import { storeFixture, violation } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('apps and branches on %s', (_name, start) => {
  const store = storeFixture(start)
  const scope = { accountId: '000000000000', region: 'us-east-1' }

  describe('apps', () => {
    test('are seen by their own account and region alone', async () => {
      const app = await store.addApp()
      expect(await findApp(store.database.queries, scope, app.appId)).toEqual(app)
      expect(
        await findApp(store.database.queries, { ...scope, accountId: '111111111111' }, app.appId),
      ).toBeUndefined()
      expect(
        await findApp(store.database.queries, { ...scope, region: 'eu-west-1' }, app.appId),
      ).toBeUndefined()
    })

    test('change where they are told to', async () => {
      const app = await store.addApp({ secrets: 'v1.before' })
      const other = await store.addApp()
      const change = {
        name: 'new',
        secrets: null,
        updatedAt: 5,
        settings: { ...app.settings, description: 'd' },
      }
      await updateApp(store.database.queries, app.appId, change)
      expect(await findAppById(store.database.queries, app.appId)).toEqual({ ...app, ...change })
      expect(await findAppById(store.database.queries, other.appId)).toEqual(other)
    })

    test('come in pages that rows which come and go do not disturb, many of the same millisecond too', async () => {
      const account = { accountId: '222222222222', region: 'us-east-1' }
      const made = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          store.addApp({ ...account, createdAt: 100 + Math.floor(index / 6) }),
        ),
      )
      const order = made.toSorted((one, other) =>
        one.createdAt !== other.createdAt
          ? one.createdAt - other.createdAt
          : one.appId < other.appId
            ? -1
            : 1,
      )
      const first = await listApps(store.database.queries, account, { limit: 5 })
      expect(first).toEqual(order.slice(0, 5))
      // The cursor's own row goes, one that was shown goes, and one comes at the end.
      await deleteApp(store.database.queries, order[4]!.appId)
      await deleteApp(store.database.queries, order[0]!.appId)
      const added = await store.addApp({ ...account, createdAt: 102 })
      const after = { createdAt: first[4]!.createdAt, id: first[4]!.appId }
      const rest = await listApps(store.database.queries, account, { after, limit: 100 })
      expect(rest).toEqual([...order.slice(5), added])
    })

    test('are ordered by the bytes of their ids, whatever the language of the database', async () => {
      const account = { accountId: '333333333333', region: 'us-east-1' }
      for (const appId of ['da', 'dB', 'd_', 'd1', 'dä']) await store.addApp({ ...account, appId })
      const listed = await listApps(store.database.queries, account, { limit: 10 })
      expect(listed.map(({ appId }) => appId)).toEqual(['d1', 'dB', 'd_', 'da', 'dä'])
      const after = await listApps(store.database.queries, account, {
        after: { createdAt: 1, id: 'dB' },
        limit: 2,
      })
      expect(after.map(({ appId }) => appId)).toEqual(['d_', 'da'])
    })

    test('take everything that belongs to them along', async () => {
      const app = await store.addApp()
      const branch = await store.addBranch({ appId: app.appId })
      const { job, deployment } = await store.addDeployment(branch.branchId, 1)
      await insertStep(store.database.queries, stepRow(job.jobKey, 'BUILD'))
      await insertUploads(store.database.queries, [
        { jobKey: job.jobKey, name: '', md5: null, sha: null, bytes: null },
      ])
      const artifact = artifactRow(job.jobKey, 'a.png')
      await insertArtifact(store.database.queries, artifact)
      await deleteApp(store.database.queries, app.appId)
      expect(await findBranchById(store.database.queries, branch.branchId)).toBeUndefined()
      expect(await findJobByKey(store.database.queries, job.jobKey)).toBeUndefined()
      expect(await findDeployment(store.database.queries, deployment.deploymentId)).toBeUndefined()
      expect(await listSteps(store.database.queries, job.jobKey)).toEqual([])
      expect(await listUploads(store.database.queries, job.jobKey)).toEqual([])
      expect(await findArtifact(store.database.queries, artifact.artifactId)).toBeUndefined()
      expect(await findSite(store.database.queries, app.appId, 'main')).toBeUndefined()
    })
  })

  describe('branches', () => {
    test('have a name and a display name of their own in their app', async () => {
      const branch = await store.addBranch({ name: 'a', displayName: 'a' })
      const refused = [
        branchRow(branch.appId, { name: 'a', displayName: 'other' }),
        branchRow(branch.appId, { name: 'other', displayName: 'a' }),
        branchRow(branch.appId, { branchId: branch.branchId, name: 'other', displayName: 'other' }),
      ]
      for (const row of refused)
        expect(await violation(insertBranch(store.database.queries, row))).toBe('unique')
      const second = await store.addBranch({ appId: branch.appId, name: 'b', displayName: 'b' })
      const renamed = updateBranch(store.database.queries, second.branchId, { displayName: 'a' })
      expect(await violation(renamed)).toBe('unique')
      await store.addBranch({ name: 'a', displayName: 'a' })
    })

    test('need an app', async () => {
      expect(await violation(insertBranch(store.database.queries, branchRow(newAppId())))).toBe('other')
    })

    test('tell names apart that differ in case or Unicode form', async () => {
      const { appId } = await store.addApp()
      const names = ['main', 'Main', 'é', 'e\u0301']
      for (const [index, name] of names.entries()) {
        await store.addBranch({ appId, name, displayName: `label-${index}` })
      }
      for (const name of names)
        expect((await findBranch(store.database.queries, appId, name))?.name).toBe(name)
    })

    test('come in pages in the order of their creation', async () => {
      const { appId } = await store.addApp()
      const made = []
      for (const name of ['c', 'b', 'a'])
        made.push(await store.addBranch({ appId, name, createdAt: made.length }))
      const page = await listBranches(store.database.queries, appId, { limit: 2 })
      expect(page).toEqual(made.slice(0, 2))
      await deleteBranch(store.database.queries, made[1]!.branchId)
      const after = { createdAt: page[1]!.createdAt, id: page[1]!.branchId }
      expect(await listBranches(store.database.queries, appId, { after, limit: 2 })).toEqual([made[2]!])
    })

    test('change where they are told to', async () => {
      const branch = await store.addBranch()
      await updateBranch(store.database.queries, branch.branchId, { displayName: 'new', updatedAt: 7 })
      expect(await findBranchById(store.database.queries, branch.branchId)).toEqual({
        ...branch,
        displayName: 'new',
        updatedAt: 7,
      })
    })
  })
})
