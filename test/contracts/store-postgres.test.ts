import { describe, expect, test } from 'bun:test'

import { findAppById, updateApp } from '../../src/store/apps.ts'
import { openDatabase } from '../../src/store/database.ts'
import { activateDeployment, findDeployment } from '../../src/store/deployments.ts'
import { deleteJob } from '../../src/store/jobs.ts'
import { startPostgres } from '../support/postgres.ts'
import { requires } from '../support/requires.ts'
import { storeFixture } from '../support/store-fixture.ts'
import { waitFor } from '../support/wait-for.ts'

/** What only PostgreSQL does to a store. */
describe.if(requires('postgres'))('the store on PostgreSQL', () => {
  const store = storeFixture(startPostgres)

  test('runs a transaction again that was ended for a deadlock', async () => {
    const one = await store.addApp()
    const other = await store.addApp()
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    let attempts = 0
    /** Each holds a row before either asks for the other's. */
    const renameBoth = (name: string, order: string[], mine: typeof first, theirs: typeof first) =>
      store.database.transaction(async (transaction) => {
        attempts++
        await updateApp(transaction, order[0]!, { name })
        mine.resolve()
        await theirs.promise
        await updateApp(transaction, order[1]!, { name })
      })
    await Promise.all([
      renameBoth('first', [one.appId, other.appId], first, second),
      renameBoth('second', [other.appId, one.appId], second, first),
    ])
    expect(attempts).toBe(3)
    const names = await Promise.all(
      [one, other].map(async ({ appId }) => (await findAppById(store.database.queries, appId))?.name),
    )
    // Whoever came last named both.
    expect(names[0]).toBe(names[1])
  })

  test('keeps the deployment that becomes live while its job is deleted', async () => {
    const { branchId } = await store.addBranch()
    const { job, deployment } = await store.addDeployment(branchId)
    const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const rollback = store.database.transaction(async (transaction) => {
      await activateDeployment(transaction, branchId, deployment.deploymentId, 1)
      held.resolve()
      await mayCommit
    })
    await held.promise
    const deletion = store.database.transaction((transaction) =>
      deleteJob(transaction, job.jobKey, ['SUCCEED']),
    )
    const admin = new Bun.SQL(store.url, { max: 1 })
    try {
      await waitFor('the deletion to wait for the branch', 10, async () => {
        const waiting = await admin`select 1 from pg_stat_activity where wait_event_type = 'Lock'`
        return waiting.length > 0
      })
    } finally {
      await admin.close()
    }
    commit()
    await rollback
    expect(await deletion).toBe(true)
    expect(await findDeployment(store.database.queries, deployment.deploymentId)).toMatchObject({
      jobKey: null,
    })
  })

  test('goes on after the database ended its connections', async () => {
    const app = await store.addApp()
    const admin = new Bun.SQL(store.url, { max: 1 })
    try {
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'`
    } finally {
      await admin.close()
    }
    // What finds a connection that has not heard of its end fails; there are not many.
    const found = await waitFor('an answer', 5, () =>
      findAppById(store.database.queries, app.appId).catch(() => undefined),
    )
    expect(found).toEqual(app)
  })

  test('says that it cannot be reached', async () => {
    await expect(openDatabase('postgres://preamp@127.0.0.1:1/none')).rejects.toThrow()
  })
})
