import { describe, expect, test } from 'bun:test'

import { newId } from '../../src/model/ids.ts'
import { adminPolicy } from '../../src/model/managed-policies.ts'
import {
  changeAccessKey,
  deleteAccessKey,
  findAccessKey,
  insertAccessKey,
  listAccessKeys,
} from '../../src/store/access-keys.ts'
import { findApp, findAppById } from '../../src/store/apps.ts'
import { findBranch, findBranchByDisplayName, findBranchById } from '../../src/store/branches.ts'
import { findDeployment, findDeploymentOfJob, insertDeployment } from '../../src/store/deployments.ts'
import { findJob, findJobByKey } from '../../src/store/jobs.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { awkward, beyond32Bits, deploymentRow } from '../support/rows.ts'
import { storeFixture } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('rows on %s', (_name, start) => {
  const store = storeFixture(start)

  describe('gives back what was put in', () => {
    test('an app', async () => {
      const app = await store.addApp({
        name: awkward,
        settings: {
          platform: 'WEB',
          enableBranchAutoBuild: true,
          enableBasicAuth: false,
          environmentVariables: { KEY: awkward, __proto__key: '1', EMPTY: '' },
          customRules: [{ source: '/<*>', target: '/index.html', status: '404-200' }],
        },
        tags: { [awkward]: awkward },
        secrets: 'v1.sealed',
        createdAt: beyond32Bits,
        updatedAt: beyond32Bits,
      })
      expect(await findAppById(store.database.queries, app.appId)).toEqual(app)
      expect(await findApp(store.database.queries, app, app.appId)).toEqual(app)
    })

    test('a branch', async () => {
      const branch = await store.addBranch({
        name: 'feature/Größe',
        displayName: 'feature-gr-e',
        lastJobNumber: beyond32Bits,
        activeDeploymentId: newId(),
        secrets: 'v1.sealed',
        tags: { one: 'two' },
      })
      expect(await findBranchById(store.database.queries, branch.branchId)).toEqual(branch)
      expect(await findBranch(store.database.queries, branch.appId, 'feature/Größe')).toEqual(branch)
      expect(await findBranchByDisplayName(store.database.queries, branch.appId, 'feature-gr-e')).toEqual(
        branch,
      )
    })

    test.each([true, false])('a job whose commandsStarted is %p', async (commandsStarted) => {
      const job = await store.addJob({
        type: 'MANUAL',
        statusReason: awkward,
        commitId: 'HEAD',
        commitMessage: awkward,
        commitTime: 1_700_000_000_123,
        sourceUrl: 's3://bucket/prefix/',
        sourceUrlType: 'BUCKET_PREFIX',
        createdAt: 1_700_000_000_124,
        startedAt: 1_700_000_000_125,
        endedAt: 1_700_000_000_126,
        leaseOwner: 'worker',
        leaseExpiresAt: 1_700_000_000_127,
        claims: 3,
        commandsStarted,
      })
      expect(await findJobByKey(store.database.queries, job.jobKey)).toEqual(job)
      expect(await findJob(store.database.queries, job.branchId, job.number)).toEqual(job)
    })

    test('a job of which nothing is known yet', async () => {
      const job = await store.addJob()
      expect(await findJobByKey(store.database.queries, job.jobKey)).toEqual(job)
    })

    test('a deployment', async () => {
      const job = await store.addJob()
      const deployment = deploymentRow(job, { bytes: beyond32Bits, files: 200_000 })
      await insertDeployment(store.database.queries, deployment)
      expect(await findDeployment(store.database.queries, deployment.deploymentId)).toEqual(deployment)
      expect(await findDeploymentOfJob(store.database.queries, job.jobKey)).toEqual(deployment)
    })

    test('an access key', async () => {
      const row = {
        accessKeyId: newId(),
        accountId: '123456789012',
        secret: 'v1.sealed',
        description: awkward,
        userName: 'admin',
        policies: [adminPolicy],
        sessionToken: null,
        enabled: true,
        expiresAt: null,
        createdAt: beyond32Bits,
      }
      await insertAccessKey(store.database.queries, row)
      expect(await findAccessKey(store.database.queries, row.accessKeyId)).toEqual(row)
      expect(await changeAccessKey(store.database.queries, row.accessKeyId, { enabled: false })).toBe(true)
      expect(await listAccessKeys(store.database.queries)).toEqual([{ ...row, enabled: false }])
      expect(await changeAccessKey(store.database.queries, 'unknown', { enabled: false })).toBe(false)
      expect(await deleteAccessKey(store.database.queries, row.accessKeyId)).toBe(true)
      expect(await deleteAccessKey(store.database.queries, row.accessKeyId)).toBe(false)
      expect(await findAccessKey(store.database.queries, row.accessKeyId)).toBeUndefined()
    })

    test('text that databases do not keep, with U+FFFD in its place, and JSON as it was', async () => {
      const broken = 'a\0b\uD800c'
      const tags = { key: broken }
      const { appId } = await store.addApp({ name: broken, tags })
      const app = await findAppById(store.database.queries, appId)
      expect(app?.name).toBe('a\uFFFDb\uFFFDc')
      expect(app?.tags).toEqual(tags)
      // It is found by what was sent, too.
      const branch = await store.addBranch({ appId, name: 'a\0b' })
      expect((await findBranch(store.database.queries, appId, 'a\0b'))?.branchId).toBe(branch.branchId)
    })
  })
})
