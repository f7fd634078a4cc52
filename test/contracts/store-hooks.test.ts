import { describe, expect, test } from 'bun:test'

import { newAppId, newId } from '../../src/model/ids.ts'
import { deleteApp } from '../../src/store/apps.ts'
import {
  deleteBackendEnvironment,
  findBackendEnvironment,
  insertBackendEnvironment,
  listBackendEnvironments,
} from '../../src/store/backend-environments.ts'
import { insertDomain } from '../../src/store/domain-associations.ts'
import { changeTags, findTagHolder, readTags } from '../../src/store/tags.ts'
import { listWebhookDeliveries, recordWebhookDelivery } from '../../src/store/webhook-deliveries.ts'
import {
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  updateWebhook,
} from '../../src/store/webhooks.ts'
import { databaseServers } from '../support/databases.ts'
import { domainRow } from '../support/domain-rows.ts'
import { requires } from '../support/requires.ts'
import {
  awkward,
  backendEnvironmentRow,
  beyond32Bits,
  webhookDeliveryRow,
  webhookRow,
} from '../support/rows.ts'
import { storeFixture, violation } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('on %s', (_name, start) => {
  const store = storeFixture(start)
  const queries = () => store.database.queries

  async function addWebhook(row: Parameters<typeof webhookRow>[1] = {}) {
    const webhook = webhookRow(row.appId ?? (await store.addApp()).appId, row)
    await insertWebhook(queries(), webhook)
    return webhook
  }

  const record = (webhookId: string, createdAt: number, keep: number) =>
    store.database.transaction((transaction) =>
      recordWebhookDelivery(transaction, webhookDeliveryRow(webhookId, { createdAt }), keep),
    )

  async function resourcesOfOneApp() {
    const { appId } = await store.addApp()
    const branch = await store.addBranch({ appId, name: 'feature/x', displayName: 'feature-x' })
    const webhook = await addWebhook({ appId })
    const domain = domainRow(appId)
    await insertDomain(queries(), domain)
    return [
      [{ kind: 'app', appId }, appId],
      [{ kind: 'branch', appId, branchName: branch.name }, branch.branchId],
      [{ kind: 'webhook', appId, webhookId: webhook.webhookId }, webhook.webhookId],
      [{ kind: 'domain-association', appId, domainName: domain.domainName }, domain.domainId],
    ] as const
  }

  describe('webhooks', () => {
    test('come back as they were put in, and change where they are told to', async () => {
      const webhook = await addWebhook({
        branchName: awkward,
        description: awkward,
        tags: { a: awkward },
        createdAt: beyond32Bits,
      })
      expect(await findWebhook(queries(), webhook.webhookId)).toEqual(webhook)
      const changed = { ...webhook, description: '', updatedAt: 9 }
      expect(await updateWebhook(queries(), webhook.webhookId, { description: '', updatedAt: 9 })).toEqual(
        changed,
      )
      expect(await findWebhook(queries(), webhook.webhookId)).toEqual(changed)
      expect(await updateWebhook(queries(), 'none', { updatedAt: 9 })).toBeUndefined()
    })

    test('come in pages in the order of their creation', async () => {
      const { appId } = await store.addApp()
      const made = []
      for (const createdAt of [1, 2, 2, 3]) made.push(await addWebhook({ appId, createdAt }))
      const order = made.toSorted(
        (one, other) => one.createdAt - other.createdAt || (one.webhookId < other.webhookId ? -1 : 1),
      )
      const first = await listWebhooks(queries(), appId, { limit: 2 })
      const after = { createdAt: first[1]!.createdAt, id: first[1]!.webhookId }
      const rest = await listWebhooks(queries(), appId, { after, limit: 9 })
      expect([...first, ...rest]).toEqual(order)
    })

    test('need an app, and go with it', async () => {
      expect(await violation(insertWebhook(queries(), webhookRow(newAppId())))).toBe('other')
      const webhook = await addWebhook()
      await record(webhook.webhookId, 1, 9)
      await deleteApp(queries(), webhook.appId)
      expect(await findWebhook(queries(), webhook.webhookId)).toBeUndefined()
      expect(await listWebhookDeliveries(queries(), webhook.webhookId, 9)).toEqual([])
    })

    test('keep their newest deliveries, each its own', async () => {
      const [webhook, other] = [await addWebhook(), await addWebhook()]
      await record(other.webhookId, 1, 3)
      for (const createdAt of [1, 2, 3, 4, 5]) await record(webhook.webhookId, createdAt, 3)
      const kept = await listWebhookDeliveries(queries(), webhook.webhookId, 9)
      expect(kept.map(({ createdAt }) => createdAt)).toEqual([5, 4, 3])
      expect(await listWebhookDeliveries(queries(), webhook.webhookId, 1)).toEqual(kept.slice(0, 1))
      expect(await listWebhookDeliveries(queries(), other.webhookId, 9)).toHaveLength(1)
    })

    test('take their deliveries along', async () => {
      const webhook = await addWebhook()
      await record(webhook.webhookId, 1, 9)
      expect(await deleteWebhook(queries(), webhook.webhookId)).toEqual(webhook)
      expect(await deleteWebhook(queries(), webhook.webhookId)).toBeUndefined()
      expect(await listWebhookDeliveries(queries(), webhook.webhookId, 9)).toEqual([])
    })
  })

  describe('backend environments', () => {
    test('have a name of their own in their app', async () => {
      const [{ appId }, other] = [await store.addApp(), await store.addApp()]
      const row = backendEnvironmentRow(appId, { stackName: awkward, deploymentArtifacts: awkward })
      await insertBackendEnvironment(queries(), row)
      expect(await findBackendEnvironment(queries(), appId, row.name)).toEqual(row)
      expect(await findBackendEnvironment(queries(), other.appId, row.name)).toBeUndefined()
      const same = insertBackendEnvironment(queries(), backendEnvironmentRow(appId))
      expect(await violation(same)).toBe('unique')
      await insertBackendEnvironment(queries(), backendEnvironmentRow(other.appId))
      expect(await deleteBackendEnvironment(queries(), appId, row.name)).toEqual(row)
      expect(await deleteBackendEnvironment(queries(), appId, row.name)).toBeUndefined()
      expect(await findBackendEnvironment(queries(), other.appId, row.name)).toBeDefined()
    })

    test('come in pages in the order of their creation', async () => {
      const { appId } = await store.addApp()
      for (const [createdAt, name] of ['c', 'b', 'a'].entries()) {
        await insertBackendEnvironment(queries(), backendEnvironmentRow(appId, { name, createdAt }))
      }
      const first = await listBackendEnvironments(queries(), appId, { limit: 2 })
      expect(first.map(({ name }) => name)).toEqual(['c', 'b'])
      const after = { createdAt: first[1]!.createdAt, id: first[1]!.backendEnvironmentId }
      const rest = await listBackendEnvironments(queries(), appId, { after, limit: 2 })
      expect(rest.map(({ name }) => name)).toEqual(['a'])
    })
  })

  describe('tags', () => {
    test('of four kinds of resources are found and changed, each its own', async () => {
      for (const [resource, id] of await resourcesOfOneApp()) {
        const holder = (await findTagHolder(queries(), resource))!
        expect(holder.id).toBe(id)
        expect(await readTags(queries(), holder)).toEqual({})
        const change = (tag: string) =>
          store.database.transaction((transaction) =>
            changeTags(transaction, holder, (tags) => ({ ...tags, [tag]: awkward })),
          )
        // At once, and none is lost.
        await Promise.all(['a', 'b', 'c', 'd'].map(change))
        expect(await readTags(queries(), holder)).toEqual({ a: awkward, b: awkward, c: awkward, d: awkward })
      }
    })

    test('are nowhere for what does not exist, is of another app, or has none', async () => {
      const { appId } = await store.addApp()
      const elsewhere = await addWebhook()
      const resources = [
        { kind: 'branch', branchName: 'none' },
        { kind: 'webhook', webhookId: 'none' },
        { kind: 'webhook', webhookId: elsewhere.webhookId },
        { kind: 'domain-association', domainName: 'none.example' },
        { kind: 'job', branchName: 'main', jobNumber: '0000000001' },
        { kind: 'backend-environment', environmentName: 'prod' },
      ] as const
      for (const resource of resources) {
        expect(await findTagHolder(queries(), { appId, ...resource })).toBeUndefined()
      }
      const gone = { table: 'branches', id: newId() } as const
      expect(await readTags(queries(), gone)).toBeUndefined()
      const change = store.database.transaction((transaction) =>
        changeTags(transaction, gone, (tags) => tags),
      )
      expect(await change).toBeUndefined()
    })
  })
})
