import { describe, expect, test } from 'bun:test'

import { deleteApp } from '../../src/store/apps.ts'
import { deleteBranch } from '../../src/store/branches.ts'
import {
  deleteBranchSecrets,
  deleteBuildSecret,
  findBuildSecrets,
  listBuildSecrets,
  setBuildSecret,
} from '../../src/store/build-secrets.ts'
import { findEnvironmentCache, saveEnvironmentCache } from '../../src/store/environment-caches.ts'
import { databaseServers } from '../support/databases.ts'
import { requires } from '../support/requires.ts'
import { beyond32Bits } from '../support/rows.ts'
import { storeFixture } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('on %s', (_name, start) => {
  const store = storeFixture(start)
  const queries = () => store.database.queries
  const set = (appId: string, branchName: string, name: string, value = 'sealed', updatedAt = 1) =>
    setBuildSecret(queries(), { appId, branchName, name, value, updatedAt })

  test('a build finds the secrets of all branches, then those of its own', async () => {
    const { appId } = await store.addApp()
    const { appId: otherApp } = await store.addApp()
    await set(appId, 'main', 'TOKEN')
    await set(appId, '', 'TOKEN', 'old')
    await set(appId, '', 'TOKEN', 'new', beyond32Bits)
    await set(appId, 'dev', 'TOKEN')
    await set(otherApp, 'main', 'OTHER')
    const found = await findBuildSecrets(queries(), { appId, branchName: 'main' })
    expect(found.map(({ branchName, value, updatedAt }) => [branchName, value, updatedAt])).toEqual([
      ['', 'new', beyond32Bits],
      ['main', 'sealed', 1],
    ])
    expect((await listBuildSecrets(queries(), appId)).map(({ branchName }) => branchName)).toEqual([
      '',
      'dev',
      'main',
    ])
    expect(await deleteBuildSecret(queries(), { appId, branchName: '', name: 'TOKEN' })).toBe(true)
    expect(await deleteBuildSecret(queries(), { appId, branchName: '', name: 'TOKEN' })).toBe(false)
    await deleteBranchSecrets(queries(), { appId, branchName: 'main' })
    expect((await listBuildSecrets(queries(), appId)).map(({ branchName }) => branchName)).toEqual(['dev'])
    await deleteApp(queries(), appId)
    expect(await listBuildSecrets(queries(), appId)).toEqual([])
    expect(await listBuildSecrets(queries(), otherApp)).toHaveLength(1)
  })

  test('an environment cache is replaced, and goes with its branch', async () => {
    const { branchId } = await store.addBranch()
    expect(await findEnvironmentCache(queries(), branchId)).toBeUndefined()
    await saveEnvironmentCache(queries(), { branchId, variables: 'one', updatedAt: 1 })
    await saveEnvironmentCache(queries(), { branchId, variables: 'two', updatedAt: beyond32Bits })
    expect(await findEnvironmentCache(queries(), branchId)).toEqual({
      branchId,
      variables: 'two',
      updatedAt: beyond32Bits,
    })
    await deleteBranch(queries(), branchId)
    expect(await findEnvironmentCache(queries(), branchId)).toBeUndefined()
  })
})
