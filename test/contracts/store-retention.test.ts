import { describe, expect, test } from 'bun:test'

import { insertArtifact } from '../../src/store/artifacts.ts'
import { findDeployment } from '../../src/store/deployments.ts'
import { forgetOld } from '../../src/store/retention.ts'
import { findStep, insertStep } from '../../src/store/steps.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { artifactRow, stepRow } from '../support/rows.ts'
import { storeFixture } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('retention on %s', (_name, start) => {
  const store = storeFixture(start)
  const isKept = async (deploymentId: string) =>
    (await findDeployment(store.database.queries, deploymentId)) !== undefined

  async function addDeployments(
    count: number,
    live: number,
  ): Promise<{ deploymentIds: string[]; jobKeys: string[] }> {
    const { branchId } = await store.addBranch()
    const deploymentIds: string[] = []
    const jobKeys: string[] = []
    for (let at = 0; at < count; at++) {
      const { deployment } = await store.addDeployment(branchId, at === live ? 1 : undefined)
      await store.database.queries
        .updateTable('deployments')
        .set({ createdAt: 1000 + at })
        .where('deploymentId', '=', deployment.deploymentId)
        .execute()
      deploymentIds.push(deployment.deploymentId)
      jobKeys.push(deployment.jobKey!)
    }
    return { deploymentIds, jobKeys }
  }

  test('keeps the newest, the live one, and what is not old', async () => {
    const { deploymentIds } = await addDeployments(6, 0)
    const keptOf = () => Promise.all(deploymentIds.map(isKept))
    expect((await forgetOld(store.database, { newest: 2, since: 500 })).deployments).toBe(0)
    expect((await forgetOld(store.database, { newest: 6, since: 9000 })).deployments).toBe(0)
    expect((await forgetOld(store.database, { newest: 2, since: 1003 })).deployments).toBe(2)
    expect(await keptOf()).toEqual([true, false, false, true, true, true])
    expect((await forgetOld(store.database, { newest: 2, since: 9000 })).deployments).toBe(1)
    expect(await keptOf()).toEqual([true, false, false, false, true, true])
  })

  test('forgets artifacts and logs with the deployment of their job, and those of failed jobs by age', async () => {
    const { queries } = store.database
    const { jobKeys } = await addDeployments(3, 2)
    const failed = await store.addJob({ status: 'FAILED' })
    const [old, kept] = [jobKeys[0]!, jobKeys[2]!]
    for (const jobKey of [old, kept, failed.jobKey]) {
      await insertStep(queries, stepRow(jobKey, 'BUILD', { endedAt: 1000, logSha: 'a'.repeat(64) }))
      await insertArtifact(queries, artifactRow(jobKey, 'a.png', { createdAt: 1000 }))
    }
    expect(await forgetOld(store.database, { newest: 1, since: 2000 })).toMatchObject({
      artifacts: 2,
      logs: 2,
    })
    const logs = await Promise.all(
      [old, kept, failed.jobKey].map(async (jobKey) => (await findStep(queries, jobKey, 'BUILD'))!.logSha),
    )
    expect(logs).toEqual([null, 'a'.repeat(64), null])
  })
})
