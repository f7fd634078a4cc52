import { afterEach, beforeEach, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import pino from 'pino'

import { appRow } from '../../test/support/rows.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../../test/support/webhook-receiver.ts'
import { deploymentEvent } from '../model/deployment-event.ts'
import { insertApp } from '../store/apps.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { insertNotification, listNotifications } from '../store/notification-deliveries.ts'
import { insertNotificationTarget } from '../store/notification-targets.ts'
import type { NotificationDeliveryRow } from '../store/schema.ts'
import { SecretBox } from '../store/secret-box.ts'
import { createNotificationSender, type NotificationSender } from './sender.ts'

const secrets = new SecretBox(randomBytes(32))
let database: Database
let receiver: WebhookReceiver
let sender: NotificationSender
let time: number

beforeEach(async () => {
  time = 1_000_000
  database = await openDatabase('sqlite::memory:')
  receiver = startWebhookReceiver()
})
afterEach(async () => {
  await sender.stop()
  await database.close()
  await receiver.stop()
})

/** Has one event delivered to a URL by a sender whose clock the test moves. */
async function send(url: string, { privateAllowed = true } = {}): Promise<void> {
  const app = appRow()
  await insertApp(database.queries, app)
  await insertNotificationTarget(database.queries, {
    targetId: 'target',
    appId: app.appId,
    branchName: null,
    kind: 'webhook',
    address: secrets.seal(url),
    secret: secrets.seal('secret'),
    createdAt: time,
  })
  const end = { id: 'event', appId: app.appId, branchName: 'main', jobNumber: 1, jobStatus: 'SUCCEED' }
  const event = { ...deploymentEvent(app, { ...end, now: time }) }
  await insertNotification(database.queries, {
    deliveryId: 'event',
    targetId: 'target',
    event,
    createdAt: time,
  })
  sender = createNotificationSender({
    database,
    secrets,
    sendMail: undefined,
    privateAllowed,
    siteUrl: () => 'http://site',
    now: () => time,
    log: pino({ level: 'silent' }),
    pollMilliseconds: 5,
  })
  sender.start()
}

/** The delivery after so many attempts, the last of them settled. */
const after = (attempts: number): Promise<NotificationDeliveryRow> =>
  waitFor(`attempt ${attempts}`, 10, async () => {
    const [row] = await listNotifications(database.queries, 'target', 1)
    const isSettled = row?.message !== null || row.deliveredAt !== null
    return row?.attempts === attempts && isSettled && (row.nextAttemptAt ?? 0) !== time + 120_000 && row
  })

test('a delivery that fails is tried again, ever later, until it is taken', async () => {
  receiver.answers.push(new Response('', { status: 500 }), new Response('', { status: 404 }))
  await send(receiver.url)
  const first = await after(1)
  expect(first).toMatchObject({ nextAttemptAt: time + 10_000, message: 'The URL answered with status 500' })
  time += 10_000
  const second = await after(2)
  expect(second).toMatchObject({ nextAttemptAt: time + 60_000, message: 'The URL answered with status 404' })
  time += 60_000
  const third = await waitFor('the delivery', 10, async () => {
    const row = await after(3)
    return row.deliveredAt !== null && row
  })
  expect(third).toMatchObject({ nextAttemptAt: null, deliveredAt: time, message: null })
  const [one, , three] = receiver.calls
  expect(three!.body).toBe(one!.body)
  expect(three!.headers.get('x-preamp-timestamp')).toBe('1070')
})

test('a delivery is given up after nine attempts', async () => {
  receiver.answers.push(...Array.from({ length: 20 }, () => new Response('', { status: 500 })))
  await send(receiver.url)
  for (let attempts = 1; attempts < 9; attempts++) {
    const { nextAttemptAt } = await after(attempts)
    time = nextAttemptAt!
  }
  expect(await after(9)).toMatchObject({ nextAttemptAt: null, deliveredAt: null })
  time += 24 * 3600 * 1000
  sender.wake()
  await sender.stop()
  expect(receiver.calls).toHaveLength(9)
})

test('a redirect is no delivery and is not followed', async () => {
  receiver.answers.push(Response.redirect(receiver.url, 307))
  await send(receiver.url)
  expect((await after(1)).message).toBe('The URL answered with status 307')
  expect(receiver.calls).toHaveLength(1)
})

test.each([
  ['http://127.0.0.1:1/', 'private'],
  ['http://169.254.169.254/latest', 'link-local'],
])('%s is not called by a server that others can reach', async (url, reason) => {
  await send(url, { privateAllowed: false })
  expect((await after(1)).message).toContain(reason)
})
