import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  CreateWebhookCommand,
  type CreateWebhookCommandInput,
  DeleteAppCommand,
  DeleteBranchCommand,
  DeleteWebhookCommand,
  GetWebhookCommand,
  ListWebhooksCommand,
  UpdateWebhookCommand,
  type UpdateWebhookCommandInput,
  type Webhook,
} from '@aws-sdk/client-amplify'

import { startApi, type TestApi } from '../support/api.ts'
import { walkPages } from '../support/pages.ts'

let api: TestApi
let client: AmplifyClient
let appId: string

beforeAll(async () => {
  api = await startApi()
  client = api.client()
})
beforeEach(async () => {
  appId = (await client.send(new CreateAppCommand({ name: 'site' }))).app!.appId!
  for (const branchName of ['main', 'feature/x'])
    await client.send(new CreateBranchCommand({ appId, branchName }))
})
afterAll(() => api.stop())

async function create(members: Partial<CreateWebhookCommandInput> = {}): Promise<Webhook> {
  return (await client.send(new CreateWebhookCommand({ appId, branchName: 'main', ...members }))).webhook!
}

const get = async (webhookId: string) => (await client.send(new GetWebhookCommand({ webhookId }))).webhook!

async function update(members: UpdateWebhookCommandInput): Promise<Webhook> {
  const updated = (await client.send(new UpdateWebhookCommand(members))).webhook!
  expect(await get(members.webhookId!)).toEqual(updated)
  return updated
}

const notFound = (message: string) => expect.objectContaining({ name: 'NotFoundException', message })

describe('CreateWebhook', () => {
  test('answers all members, as GetWebhook and ListWebhooks do', async () => {
    const webhook = await create({ branchName: 'feature/x' })
    const { webhookId, createTime } = webhook
    expect(webhook).toEqual({
      webhookArn: `arn:aws:amplify:us-east-1:000000000000:apps/${appId}/webhooks/${webhookId}`,
      webhookId,
      webhookUrl: expect.any(String) as string,
      appId,
      branchName: 'feature/x',
      description: '',
      createTime,
      updateTime: createTime,
    })
    expect(await get(webhookId!)).toEqual(webhook)
    expect((await client.send(new ListWebhooksCommand({ appId }))).webhooks).toEqual([webhook])
  })

  test('makes a URL that leads here and ends after a token of its own', async () => {
    const [webhook, other] = [await create(), await create()]
    const url = new URL(webhook.webhookUrl!)
    expect(webhook.webhookUrl).toStartWith(`${api.url}/_preamp/webhooks?id=${webhook.webhookId}&token=`)
    expect(url.searchParams.get('token')).toMatch(/^[A-Za-z0-9]{42}$/)
    expect(webhook.webhookUrl).toEndWith(url.searchParams.get('token')!)
    expect(new URL(other.webhookUrl!).searchParams.get('token')).not.toBe(url.searchParams.get('token'))
  })

  test('keeps the token encrypted', async () => {
    const token = new URL((await create()).webhookUrl!).searchParams.get('token')!
    const rows = await api.services.database.queries.selectFrom('webhooks').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(token)
  })

  test('needs a branch that is there', async () => {
    await expect(create({ branchName: 'none' })).rejects.toEqual(notFound('Branch none not found.'))
    await expect(create({ appId: 'dnone' })).rejects.toEqual(notFound('App dnone not found.'))
  })
})

describe('UpdateWebhook', () => {
  test('changes what is sent, and keeps the URL', async () => {
    const webhook = await create({ description: 'before' })
    const { webhookId } = webhook
    expect(await update({ webhookId, branchName: 'feature/x' })).toMatchObject({
      ...webhook,
      branchName: 'feature/x',
      updateTime: expect.any(Date) as Date,
    })
    expect(await update({ webhookId, description: 'after' })).toMatchObject({
      branchName: 'feature/x',
      description: 'after',
    })
    expect(await update({ webhookId, description: '' })).toMatchObject({ description: '' })
  })

  test('needs a branch that is there', async () => {
    const { webhookId } = await create()
    await expect(update({ webhookId, branchName: 'none' })).rejects.toEqual(
      notFound('Branch none not found.'),
    )
    await expect(update({ webhookId: 'none' })).rejects.toEqual(notFound('Webhook none not found.'))
    expect((await get(webhookId!)).branchName).toBe('main')
  })

  test('and DeleteWebhook work after the branch is deleted', async () => {
    const { webhookId } = await create()
    await client.send(new DeleteBranchCommand({ appId, branchName: 'main' }))
    expect(await get(webhookId!)).toMatchObject({ branchName: 'main' })
    await update({ webhookId, description: 'of a branch that was' })
    await client.send(new DeleteWebhookCommand({ webhookId }))
  })
})

test('DeleteWebhook answers the webhook as it was', async () => {
  const webhook = await create()
  const { webhookId } = webhook
  expect((await client.send(new DeleteWebhookCommand({ webhookId }))).webhook).toEqual(webhook)
  const gone = notFound(`Webhook ${webhookId} not found.`)
  await expect(get(webhookId!)).rejects.toEqual(gone)
  await expect(client.send(new DeleteWebhookCommand({ webhookId }))).rejects.toEqual(gone)
})

test('DeleteApp takes webhooks along', async () => {
  const { webhookId } = await create()
  await client.send(new DeleteAppCommand({ appId }))
  await expect(get(webhookId!)).rejects.toEqual(notFound(`Webhook ${webhookId} not found.`))
})

test('ListWebhooks pages, also while webhooks go', async () => {
  const made: (string | undefined)[] = []
  for (let count = 0; count < 5; count++) made.push((await create()).webhookId)
  const seen: (string | undefined)[] = []
  const list = (token: { nextToken?: string }) =>
    client.send(new ListWebhooksCommand({ appId, maxResults: 2, ...token }))
  for await (const page of walkPages(list)) {
    seen.push(...page.webhooks!.map(({ webhookId }) => webhookId))
    if (seen.length === 2) await client.send(new DeleteWebhookCommand({ webhookId: seen[1] }))
  }
  expect(new Set(seen)).toEqual(new Set(made))
  const unknown = client.send(new ListWebhooksCommand({ appId: 'dnone' }))
  await expect(unknown).rejects.toEqual(notFound('App dnone not found.'))
})
