import { afterAll, beforeAll, expect, test } from 'bun:test'

import { pino } from 'pino'

import { domainHostRow, domainRow } from '../../test/support/domain-rows.ts'
import { createSiteStore, type SiteStore } from '../../test/support/site-store.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { openDiskBlobs } from '../blobs/disk.ts'
import { limits } from '../model/limits.ts'
import { findBranchById, updateBranch } from '../store/branches.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { deleteDomain, insertDomain } from '../store/domain-associations.ts'
import { insertDomainHosts } from '../store/domain-hosts.ts'
import type { Site } from './site.ts'
import { createSites, type Sites } from './sites.ts'

let store: SiteStore
let database: Database
let sites: Sites
let options: Parameters<typeof createSites>[0]
beforeAll(async () => {
  store = await createSiteStore()
  await store.deploy({ 'index.html': 'here' })
  database = await openDatabase(store.databaseUrl, { readonly: true })
  const blobs = await openDiskBlobs(store.blobsFolder, { readonly: true })
  options = {
    database,
    blobs,
    siteSuffix: 'localhost',
    plainProxies: false,
    replacedMilliseconds: 0,
    now: Date.now,
    log: pino({ level: 'silent' }),
  }
  sites = createSites(options)
})
afterAll(async () => {
  await database.close()
  await store.close()
})

test('all spellings of a host share one site, and push nobody out', async () => {
  const site = await sites.find(store.host)
  expect(site).toMatchObject({ deployment: { deploymentId: expect.any(String) } })
  for (let port = 0; port < limits.edgeHostsMax + 10; port++) {
    expect(sites.find(`${store.host.toUpperCase()}:${port}`)).toBe(site)
  }
  // Known, so that it is answered without a look at the database.
  expect(sites.find(store.host)).toBe(site)
})

test('files of a deployment that was replaced are there for a while', async () => {
  const { queries } = store.database
  const { settings } = (await findBranchById(queries, store.branchId))!
  await updateBranch(queries, store.branchId, { settings: { ...settings, enableSkewProtection: true } })
  await store.deploy({ 'index.html': 'replaced' })
  await store.deploy({ 'index.html': 'next' })

  let time = Date.now()
  const timed = createSites({ ...options, replacedMilliseconds: 60_000, now: () => time })
  const shown = async () => {
    const site = (await timed.find(store.host)) as Site
    return [site.replaced.length, site.skewProtected?.size]
  }
  const replaceAt = async (replacedAt: number) => {
    await queries.updateTable('deployments').set({ replacedAt }).where('replacedAt', 'is not', null).execute()
    timed.refresh()
  }
  await replaceAt(time - 59_900)
  // The one before was made without skew protection.
  expect(await shown()).toEqual([2, 1])
  time += 200
  await waitFor('the minute to be over', 10, async () => (await shown())[0] === 0)
  await replaceAt(time - limits.skewProtectionDays * 24 * 3600 * 1000 + 100)
  expect(await shown()).toEqual([0, 1])
  time += 200
  await waitFor('the week to be over', 10, async () => (await shown())[1] === 0)
})

test('after a refresh the database is asked once more', async () => {
  const before = await sites.find(store.host)
  await store.deploy({ 'index.html': 'there' })
  expect(await sites.find(store.host)).toBe(before)
  sites.refresh()
  expect(await sites.find(store.host)).not.toBe(before)
})

test('a custom domain shares the deployment of its branch, and is gone after the refresh that follows its deletion', async () => {
  const { queries } = store.database
  const domain = domainRow(store.appId, { domainName: 'shared.example', ownedAt: 1 })
  await insertDomain(queries, domain)
  await insertDomainHosts(queries, [domainHostRow(domain, 'www')])
  sites.refresh()
  const site = await sites.find('WWW.shared.example.:8080')
  expect(site).toMatchObject({ deployment: { deploymentId: expect.any(String) } })
  const ofBranch = (await sites.find(store.host)) as Site
  expect((site as Site).deployment).toBe(ofBranch.deployment)
  await deleteDomain(queries, domain.domainId)
  expect(sites.find('www.shared.example')).toBe(site)
  sites.refresh()
  expect(await sites.find('www.shared.example')).toBe('unknown')
})

test('made-up domains push nobody out', async () => {
  const site = await sites.find(store.host)
  for (let host = 0; host < limits.edgeHostsMax + 10; host++) {
    expect(await sites.find(`made-up-${host}.example`)).toBe('unknown')
  }
  expect(sites.find(store.host)).toBe(site)
})

test('a host that nobody asks for is forgotten, and read again when somebody does', async () => {
  const site = await sites.find(store.host)
  sites.forgetUnasked()
  expect(sites.find(store.host)).toBe(site)
  sites.forgetUnasked()
  sites.forgetUnasked()
  const again = sites.find(store.host)
  expect(again).toBeInstanceOf(Promise)
  const read = (await again) as Site
  expect(read).not.toBe(site)
  expect(read.deployment!.deploymentId).toBe((site as Site).deployment!.deploymentId)
})
