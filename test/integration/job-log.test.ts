import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  CreateAppCommand,
  CreateBranchCommand,
  DeleteJobCommand,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { sendSigned } from '../../src/cli/call-endpoint.ts'
import { readEvents, type StreamEvent } from '../../src/cli/event-stream.ts'
import { followJob, type JobAddress, printLog } from '../../src/cli/follow-job.ts'
import type { KeyPair } from '../../src/first-key.ts'
import { type StepName, stepNames } from '../../src/model/jobs.ts'
import { limits } from '../../src/model/limits.ts'
import { changeJob } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { changeStep, insertStep } from '../../src/store/steps.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { askEndpoint } from '../support/call-endpoint.ts'
import { stepRow } from '../support/rows.ts'
import { waitFor } from '../support/wait-for.ts'

let api: TestApi
let folder: string
let address: JobAddress
let job: JobRow

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-test-'))
  api = await startApi({ services: { liveLogPath: (jobKey, step) => liveLog(step, jobKey) } })
})
afterAll(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  const client = api.client()
  const { app } = await client.send(
    new CreateAppCommand({ name: 'site', repository: 'https://git.example/a.git' }),
  )
  const branch = { appId: app!.appId!, branchName: 'feature/x' }
  await client.send(new CreateBranchCommand(branch))
  await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
  address = { ...branch, jobId: '1' }
  const { queries } = api.services.database
  const row = await queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .selectAll('jobs')
    .where('appId', '=', branch.appId)
    .executeTakeFirstOrThrow()
  job = (await changeJob(queries, row.jobKey, ['PENDING'], { status: 'RUNNING' }))!
})

const liveLog = (step: StepName, jobKey = job.jobKey) => join(folder, `${jobKey}-${step}.log`)
const path = () =>
  `/_preamp/apps/${address.appId}/branches/${encodeURIComponent(address.branchName)}/jobs/${address.jobId}/log`
const page = (query = '') => askEndpoint(api, 'GET', `${path()}${query}`)

async function begin(name: StepName): Promise<void> {
  const row = stepRow(job.jobKey, 'BUILD', {
    name,
    position: stepNames.indexOf(name),
    startedAt: Date.now(),
  })
  await insertStep(api.services.database.queries, row)
}

async function end(step: StepName, log: string): Promise<void> {
  const { sha } = await api.services.blobs.put(log)
  const change = { status: 'SUCCEED', endedAt: Date.now(), logSha: sha } as const
  await changeStep(api.services.database.queries, job.jobKey, step, change)
  rmSync(liveLog(step), { force: true })
}

const endJob = () =>
  changeJob(api.services.database.queries, job.jobKey, ['RUNNING'], {
    status: 'SUCCEED',
    endedAt: Date.now(),
  })

async function follow(options: { query?: string; lastEventId?: string; key?: KeyPair } = {}) {
  const url = new URL(`${path()}${options.query ?? '?follow=true'}`, api.url)
  const signature = { region: 'us-east-1', credentials: options.key ?? api.key }
  const headers = options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }
  return sendSigned('GET', url, signature, { headers })
}

/** Reads events into a list until the stream ends. */
function gather(response: Response): { events: StreamEvent[]; over: Promise<void> } {
  const events: StreamEvent[] = []
  const read = async () => {
    for await (const event of readEvents(response.body!)) events.push(event)
  }
  return { events, over: read() }
}

describe('the log of a job', () => {
  test('comes in pages, step by step', async () => {
    expect((await page()).answer).toEqual({
      status: 'RUNNING',
      step: 'BUILD',
      offset: 0,
      text: '',
      next: { step: 'BUILD', offset: 0 },
    })
    await begin('BUILD')
    expect((await page()).answer).toMatchObject({ text: '', next: { step: 'BUILD', offset: 0 } })
    writeFileSync(liveLog('BUILD'), 'one\nhalf a li')
    expect((await page()).answer).toMatchObject({ text: 'one\n', next: { step: 'BUILD', offset: 4 } })
    expect((await page('?step=BUILD&offset=4')).answer).toMatchObject({
      text: '',
      next: { step: 'BUILD', offset: 4 },
    })
    await end('BUILD', 'one\ntwo\nno end')
    await begin('DEPLOY')
    writeFileSync(liveLog('DEPLOY'), 'deploying\n')
    expect((await page('?step=BUILD&offset=4')).answer).toMatchObject({
      text: 'two\nno end',
      next: { step: 'BUILD', offset: 14 },
    })
    expect((await page('?step=BUILD&offset=14')).answer).toMatchObject({
      step: 'DEPLOY',
      offset: 0,
      text: 'deploying\n',
    })
    await end('DEPLOY', 'deploying\n')
    await endJob()
    const last = await page('?step=DEPLOY&offset=10')
    expect(last.answer).toEqual({ status: 'SUCCEED', step: 'DEPLOY', offset: 10, text: '' })
    const texts: string[] = []
    await printLog(api.client(), address, (text) => texts.push(text))
    expect(texts.join('')).toBe('one\ntwo\nno enddeploying\n')
  })

  test('is cut into pages of whole lines', async () => {
    const line = `${'ä'.repeat(1000)}\n`
    const log = line.repeat(Math.ceil((2.5 * limits.logPageBytesMax) / Buffer.byteLength(line)))
    await begin('BUILD')
    await end('BUILD', log)
    const first = (await page()).answer as { text: string }
    expect(Buffer.byteLength(first.text)).toBeLessThanOrEqual(limits.logPageBytesMax)
    expect(first.text.endsWith('\n')).toBe(true)
    const texts: string[] = []
    await printLog(api.client(), address, (text) => texts.push(text))
    expect(texts.length).toBeGreaterThan(2)
    expect(texts.join('') === log).toBe(true)
  })

  test.each(['?step=BUILT', '?offset=-1', '?offset=1e3', '?follow=maybe'])(
    'is not asked for by %s',
    async (query) => {
      expect(await page(query)).toMatchObject({ status: 400 })
    },
  )

  test('is nobody else’s', async () => {
    const stranger = await api.createKey({ accountId: '111111111111' })
    const elsewhere = await follow({ key: stranger })
    expect(elsewhere.status).toBe(404)
    const unsigned = await fetch(`${api.url}${path()}?follow=true`)
    expect(unsigned.status).toBe(403)
    const reader = await api.createKey({
      policies: [
        { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'amplify:GetApp', Resource: '*' }] },
      ],
    })
    expect((await follow({ key: reader })).status).toBe(403)
  })
})

describe('who follows a log', () => {
  test('sees it as it is written, all steps of it, and the end', async () => {
    const response = await follow()
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const { events, over } = gather(response)
    await begin('BUILD')
    writeFileSync(liveLog('BUILD'), 'one\n')
    await waitFor('the first line', 5, () => events.length === 1)
    appendFileSync(liveLog('BUILD'), 'two\nthree\n')
    await waitFor('the next lines', 5, () => events.length === 2)
    await end('BUILD', 'one\ntwo\nthree\nfour\n')
    await begin('DEPLOY')
    await end('DEPLOY', 'deployed\n')
    await endJob()
    await over
    expect(events).toEqual([
      { name: 'message', id: 'BUILD:4', data: 'one' },
      { name: 'message', id: 'BUILD:14', data: 'two\nthree' },
      { name: 'message', id: 'BUILD:19', data: 'four' },
      { name: 'message', id: 'BUILD:19,DEPLOY:9', data: 'deployed' },
      { name: 'end', id: 'BUILD:19,DEPLOY:9', data: '{"status":"SUCCEED"}' },
    ])
  })

  test('sees the tests while they run, and what the build says after them', async () => {
    await begin('BUILD')
    writeFileSync(liveLog('BUILD'), 'built\n')
    const { events, over } = gather(await follow())
    await waitFor('the build', 5, () => events.length === 1)
    await begin('TEST')
    writeFileSync(liveLog('TEST'), 'testing\n')
    await waitFor('the tests', 5, () => events.length === 2)
    await end('TEST', 'testing\n')
    appendFileSync(liveLog('BUILD'), 'uploading\n')
    await waitFor('the rest', 5, () => events.length === 3)
    const again = gather(await follow({ lastEventId: events[1]!.id! }))
    await end('BUILD', 'built\nuploading\n')
    await endJob()
    await Promise.all([over, again.over])
    expect(events.map(({ id, data }) => [id, data])).toEqual([
      ['BUILD:6', 'built'],
      ['BUILD:6,TEST:8', 'testing'],
      ['BUILD:16,TEST:8', 'uploading'],
      ['BUILD:16,TEST:8', '{"status":"SUCCEED"}'],
    ])
    expect(again.events.map(({ data }) => data)).toEqual(['uploading', '{"status":"SUCCEED"}'])
  })

  test('goes on where they stopped, beside others', async () => {
    await begin('BUILD')
    await end('BUILD', 'one\ntwo\n')
    await begin('DEPLOY')
    writeFileSync(liveLog('DEPLOY'), 'deploying\n')
    const streams = [
      await follow(),
      await follow({ lastEventId: 'BUILD:4' }),
      await follow({ lastEventId: 'BUILD:8,DEPLOY:10' }),
    ]
    const seen = streams.map(gather)
    const byQuery = gather(await follow({ query: '?follow=true&step=BUILD&offset=4' }))
    const unknown = gather(await follow({ lastEventId: 'unknown' }))
    await end('DEPLOY', 'deploying\ndone\n')
    await endJob()
    const texts = await Promise.all(
      [...seen, byQuery, unknown].map(async ({ events, over }) => {
        await over
        return events
          .filter(({ name }) => name === 'message')
          .map(({ data }) => data)
          .join('\n')
      }),
    )
    expect(texts).toEqual([
      'one\ntwo\ndeploying\ndone',
      'two\ndeploying\ndone',
      'done',
      'two\ndeploying\ndone',
      'one\ntwo\ndeploying\ndone',
    ])
  })

  test('is told that the job was deleted', async () => {
    const { queries } = api.services.database
    await changeJob(queries, job.jobKey, ['RUNNING'], { status: 'PENDING' })
    const { events, over } = gather(await follow())
    await api.client().send(new DeleteJobCommand(address))
    await over
    expect(events.map(({ name }) => name)).toEqual(['deleted'])
    expect((await follow()).status).toBe(404)
    await expect(followJob(api.client(), address, () => undefined)).rejects.toMatchObject({
      name: 'NotFoundException',
    })
  })

  test('sees a job that starts over from its beginning', async () => {
    const { queries } = api.services.database
    await begin('BUILD')
    writeFileSync(liveLog('BUILD'), 'a first run\n')
    const { events, over } = gather(await follow())
    await waitFor('the first run', 5, () => events.length === 1)
    await queries.deleteFrom('steps').where('jobKey', '=', job.jobKey).execute()
    writeFileSync(liveLog('BUILD'), '')
    await insertStep(queries, stepRow(job.jobKey, 'BUILD', { startedAt: Date.now() + 1000 }))
    writeFileSync(liveLog('BUILD'), 'the second run, which is longer\n')
    await waitFor('the second run', 5, () => events.length === 2)
    await end('BUILD', 'the second run, which is longer\n')
    await endJob()
    await over
    expect(events.map(({ data }) => data)).toEqual([
      'a first run',
      'the second run, which is longer',
      '{"status":"SUCCEED"}',
    ])
  })

  test('leaves their place when they go, and as many as may have one', async () => {
    const going = Array.from({ length: limits.logFollowersOfAccountMax }, () => new AbortController())
    const signed = await Promise.all(
      going.map(async (controller) => {
        const response = await follow()
        controller.signal.addEventListener('abort', () => void response.body!.cancel())
        return response.status
      }),
    )
    expect(new Set(signed)).toEqual(new Set([200]))
    const refused = await follow()
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { message: expect.stringMatching(/^Too many follow/) },
    ])
    for (const controller of going) controller.abort()
    await waitFor('a free place', 5, async () => {
      const response = await follow()
      await response.body?.cancel()
      return response.status === 200
    })
  })

  test('reads on after the connection broke', async () => {
    await begin('BUILD')
    writeFileSync(liveLog('BUILD'), 'one\n')
    let cut: (() => void) | undefined
    let requests = 0
    using proxy = Bun.serve({
      port: 0,
      idleTimeout: 0,
      async fetch(request) {
        requests += 1
        const url = new URL(request.url)
        const headers = new Headers(request.headers)
        const answer = await fetch(`${api.url}${url.pathname}${url.search}`, { headers })
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
        const controller = new AbortController()
        cut = () => controller.abort()
        const passed = answer.body!.pipeTo(writable, { signal: controller.signal, preventAbort: true })
        void passed.catch(() => writable.close())
        return new Response(readable, answer)
      },
    })
    const client = api.client()
    const through = Object.assign(Object.create(client) as typeof client, {
      config: {
        ...client.config,
        endpoint: async () => ({ protocol: 'http:', hostname: 'localhost', port: proxy.port, path: '/' }),
      },
    })
    let printed = ''
    const followed = followJob(through, address, (text) => (printed += text))
    await waitFor('the first line', 5, () => printed === 'one\n')
    cut!()
    appendFileSync(liveLog('BUILD'), 'two\n')
    await waitFor('the second line', 10, () => printed === 'one\ntwo\n')
    await end('BUILD', 'one\ntwo\n')
    await endJob()
    expect((await followed).summary.status).toBe('SUCCEED')
    expect(printed).toBe('one\ntwo\n')
    expect(requests).toBeGreaterThan(1)
  }, 20_000)
})
