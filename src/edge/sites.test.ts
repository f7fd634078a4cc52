import { afterAll, beforeAll, expect, test } from 'bun:test'

import { pino } from 'pino'

import { domainHostRow, domainRow } from '../../test/support/domain-rows.ts'
import { createSiteStore, type SiteStore } from '../../test/support/site-store.ts'
import { openDiskBlobs } from '../blobs/disk.ts'
import { limits } from '../model/limits.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { deleteDomain, insertDomain } from '../store/domain-associations.ts'
import { insertDomainHosts } from '../store/domain-hosts.ts'
import type { Site } from './site.ts'
import { createSites, type Sites } from './sites.ts'

let store: SiteStore
let database: Database
let sites: Sites
beforeAll(async () => {
  store = await createSiteStore()
  await store.deploy({ 'index.html': 'here' })
  database = await openDatabase(store.databaseUrl, { readonly: true })
  const blobs = await openDiskBlobs(store.blobsFolder, { readonly: true })
  sites = createSites({
    database,
    blobs,
    siteSuffix: 'localhost',
    plainProxies: false,
    replacedMilliseconds: 0,
    now: Date.now,
    log: pino({ level: 'silent' }),
  })
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
