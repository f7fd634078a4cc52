import { afterAll, beforeAll, expect, test } from 'bun:test'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  StartDeploymentCommand,
  StopJobCommand,
  UpdateBranchCommand,
} from '@aws-sdk/client-amplify'

import type { Notification, NotificationTarget } from '../../src/api/preamp/notifications.ts'
import { askEndpoint } from '../support/call-endpoint.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { waitFor } from '../support/wait-for.ts'
import { signatureOf, startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts'

/** Who is told how jobs end, through a whole server, a mail server and a receiver of webhooks. */

let preamp: TestPreamp
let mailServer: MailServer
let receiver: WebhookReceiver
let branch: { appId: string; branchName: string }
beforeAll(async () => {
  receiver = startWebhookReceiver()
  mailServer = await startMailServer('preamp', 'pass word')
  preamp = await startPreamp({
    environment: { PREAMP_SMTP_URL: `smtp://preamp:pass%20word@127.0.0.1:${mailServer.port}` },
  })
  const { app } = await preamp.client.send(new CreateAppCommand({ name: 'told' }))
  branch = { appId: app!.appId!, branchName: 'feature/a&b' }
  await preamp.client.send(new CreateBranchCommand(branch))
})
afterAll(async () => {
  await preamp.stop()
  await mailServer.stop()
  await receiver.stop()
})

const ask = (method: string, path: string, body?: object) =>
  askEndpoint(
    { url: preamp.apiUrl, key: preamp.credentials },
    method,
    `/_preamp/apps/${branch.appId}/notifications${path}`,
    body,
  )

async function addTarget(body: object): Promise<{ target: NotificationTarget; secret?: string }> {
  const { status, answer } = await ask('POST', '', body)
  expect(status).toBe(200)
  return answer as { target: NotificationTarget; secret?: string }
}

async function deliveriesTo({ id }: NotificationTarget): Promise<Notification[]> {
  const { answer } = await ask('GET', `/${id}/deliveries`)
  return (answer as { deliveries: Notification[] }).deliveries
}

/** A job without what it is to publish fails; one that is not started can be stopped. */
async function endJob(end: 'SUCCEED' | 'FAILED' | 'CANCELLED'): Promise<string> {
  const fileMap = { 'index.html': '' }
  const { jobId = '', fileUploadUrls } = await preamp.client.send(
    new CreateDeploymentCommand({ ...branch, fileMap }),
  )
  if (end === 'CANCELLED') {
    await preamp.client.send(new StopJobCommand({ ...branch, jobId }))
    return jobId
  }
  if (end === 'SUCCEED') await fetch(fileUploadUrls!['index.html']!, { method: 'PUT', body: '<p>here' })
  await preamp.client.send(new StartDeploymentCommand({ ...branch, jobId }))
  return jobId
}

const called = (jobId: string) =>
  waitFor(`a call about job ${jobId}`, 30, () =>
    receiver.calls.find(({ event }) => event.detail.jobId === jobId),
  )

test('a webhook is told of every end by a signed event of Amplify’s form, with a text for Slack', async () => {
  const { target, secret = '' } = await addTarget({ kind: 'webhook', address: receiver.url })
  expect(target).toMatchObject({ kind: 'webhook', address: new URL(receiver.url).origin })
  for (const end of ['SUCCEED', 'FAILED', 'CANCELLED'] as const) {
    const jobId = await endJob(end)
    const call = await called(jobId)
    expect(call.headers.get('x-preamp-signature')).toBe(signatureOf(call, secret))
    expect(call.event).toMatchObject({
      'detail-type': 'Amplify Deployment Status Change',
      source: 'aws.amplify',
      account: '000000000000',
      region: 'us-east-1',
      detail: { ...branch, jobId, jobStatus: end },
    })
    expect(call.event.text).toContain(`Your build status is ${end}.`)
    expect(call.event.text).toContain(`://feature-a-b.${branch.appId}.`)
    expect(call.event.text).toContain('feature/a&amp;b')
  }
  expect(receiver.calls.find(({ event }) => event.detail.jobStatus === 'FAILED')?.event.text).toContain(
    'index.html',
  )
  await waitFor('the deliveries to be recorded', 10, async () => {
    const deliveries = await deliveriesTo(target)
    return deliveries.length === 3 && deliveries.every(({ deliverTime }) => deliverTime !== undefined)
  })
  expect((await ask('DELETE', `/${target.id}`)).status).toBe(200)
  expect((await ask('GET', '')).answer).toEqual({ targets: [] })
})

test('mail is sent of success and failure, for branches that have enableNotification', async () => {
  const { target } = await addTarget({
    kind: 'email',
    address: 'team@example.com',
    branchName: branch.branchName,
  })
  await addTarget({ kind: 'email', address: 'others@example.com', branchName: 'another' })
  await endJobAndWait('SUCCEED')
  await preamp.client.send(new UpdateBranchCommand({ ...branch, enableNotification: true }))
  await endJobAndWait('CANCELLED')
  const jobId = await endJobAndWait('FAILED')
  const [mail] = await waitFor('a mail', 30, () => mailServer.mails.length > 0 && mailServer.mails)
  expect(mail!.to).toEqual(['team@example.com'])
  expect(mail!.text).toContain('From: preamp@localhost')
  expect(mail!.text).toContain(`job ${jobId} FAILED`)
  expect(mail!.text).toContain('Your build status is FAILED.')
  const delivered = await waitFor('the delivery to be recorded', 10, async () => {
    const deliveries = await deliveriesTo(target)
    return deliveries[0]?.deliverTime !== undefined && deliveries
  })
  expect(delivered).toHaveLength(1)
  expect(delivered[0]).toMatchObject({ attempts: 1 })
  expect(mailServer.mails).toHaveLength(1)
})

async function endJobAndWait(end: 'SUCCEED' | 'FAILED' | 'CANCELLED'): Promise<string> {
  const { target } = await addTarget({ kind: 'webhook', address: receiver.url })
  const jobId = await endJob(end)
  await called(jobId)
  await ask('DELETE', `/${target.id}`)
  return jobId
}

test('the command adds, lists, tests and removes, and a test that is not taken says why', async () => {
  const [, id = '', secret = ''] =
    /Added webhook (\S+)\.\n.*: (\S+)$/.exec(await command('add', branch.appId, receiver.url)) ?? []
  expect(await command('list', branch.appId)).toContain(id)
  expect(await command('test', branch.appId, id)).toBe('The test event was delivered.')
  const call = await called('0')
  expect(call.headers.get('x-preamp-signature')).toBe(signatureOf(call, secret))
  receiver.answers.push(new Response('no', { status: 503 }))
  expect(await command('test', branch.appId, id)).toContain('The URL answered with status 503')
  expect(await command('remove', branch.appId, id)).toBe(`${id} is removed.`)
  expect((await ask('POST', `/${id}/test`)).status).toBe(404)
})

test('a webhook at an address of the machine’s metadata is never called, and the deliveries say why', async () => {
  const { target } = await addTarget({ kind: 'webhook', address: 'http://169.254.169.254/latest' })
  expect((await ask('POST', `/${target.id}/test`)).status).toBe(200)
  const { message } = await waitFor('the refusal', 30, async () =>
    (await deliveriesTo(target)).find((delivery) => delivery.message !== undefined),
  )
  expect(message).toContain('169.254.169.254')
  expect((await ask('DELETE', `/${target.id}`)).status).toBe(200)
})

test('neither URL nor secret is in the audit log', async () => {
  const audit = await askEndpoint({ url: preamp.apiUrl, key: preamp.credentials }, 'GET', '/_preamp/audit')
  expect(JSON.stringify(audit.answer)).toContain('POST /_preamp/apps/{appId}/notifications')
  expect(JSON.stringify(audit.answer)).not.toContain('s3cret')
})

test.each([
  { kind: 'webhook', address: 'ftp://example.com/' },
  { kind: 'email', address: 'nobody' },
  { kind: 'sms', address: '1' },
  { kind: 'webhook' },
])('the target %p is refused', async (body) => {
  expect((await ask('POST', '', body)).status).toBe(400)
})

async function command(...words: string[]): Promise<string> {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = process.env
  const child = Bun.spawn([process.execPath, main, 'notifications', ...words, '--data-dir', preamp.dataDir], {
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  return ((await child.stdout.text()) + (await child.stderr.text())).trim()
}
