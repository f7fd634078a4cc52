import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  DeleteJobCommand,
  GetArtifactUrlCommand,
  GetJobCommand,
  ListArtifactsCommand,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { limits } from '../../src/model/limits.ts'
import { insertArtifact, insertArtifacts } from '../../src/store/artifacts.ts'
import { insertDeployment } from '../../src/store/deployments.ts'
import { changeJob } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { changeStep, insertStep } from '../../src/store/steps.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { stepRow } from '../support/rows.ts'

let api: TestApi
let client: AmplifyClient
let folder: string
let key: { appId: string; branchName: string; jobId: string }
let job: JobRow
let clockOffset = 0
let putCount = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-test-'))
  const blobs = await openDiskBlobs(join(folder, 'blobs'))
  api = await startApi({
    services: {
      blobs: { ...blobs, put: (...given) => (putCount++, blobs.put(...given)) },
      liveLogPath: (jobKey, step) => join(folder, `${jobKey}-${step}.log`),
      now: () => Date.now() + clockOffset,
    },
  })
  client = api.client()
})
beforeEach(async () => {
  clockOffset = 0
  const { app } = await client.send(
    new CreateAppCommand({ name: 'site', repository: 'https://git.example/a.git' }),
  )
  const branch = { appId: app!.appId!, branchName: 'feature/x' }
  await client.send(new CreateBranchCommand(branch))
  await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
  key = { ...branch, jobId: '1' }
  const { queries } = api.services.database
  const row = await queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .selectAll('jobs')
    .where('appId', '=', branch.appId)
    .executeTakeFirstOrThrow()
  job = (await changeJob(queries, row.jobKey, ['PENDING'], { status: 'RUNNING' }))!
  await insertStep(queries, stepRow(job.jobKey, 'BUILD', { startedAt: Date.now() }))
})
afterAll(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

const writeLiveLog = (text: string) => writeFileSync(join(folder, `${job.jobKey}-BUILD.log`), text)
const buildStep = async () => (await client.send(new GetJobCommand(key))).job!.steps![0]!
const get = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(url, { method, headers: { ...headers, 'accept-encoding': 'identity' } })

async function finishBuild(log: string): Promise<string> {
  const { queries } = api.services.database
  const { sha } = await api.services.blobs.put(log)
  await changeStep(queries, job.jobKey, 'BUILD', { status: 'SUCCEED', endedAt: Date.now(), logSha: sha })
  await changeJob(queries, job.jobKey, ['RUNNING'], { status: 'SUCCEED', endedAt: Date.now() })
  return sha
}

describe('a log', () => {
  test('can be followed while its step is at work', async () => {
    const url = (await buildStep()).logUrl!
    expect(await (await get(url)).text()).toBe('')
    writeLiveLog('one\n')
    const first = await get(url)
    expect(first.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await first.text()).toBe('one\n')
    writeLiveLog('one\ntwo\n')
    const rest = await get(url, { range: 'bytes=4-' })
    expect([rest.status, rest.headers.get('content-range')]).toEqual([206, 'bytes 4-7/8'])
    expect(await rest.text()).toBe('two\n')
    expect((await get(url, { range: 'bytes=8-' })).status).toBe(416)
    await finishBuild('one\ntwo\nthree\n')
    expect(await (await get(url, { range: 'bytes=8-' })).text()).toBe('three\n')
  })

  test('answers ranges, conditions and HEAD', async () => {
    const sha = await finishBuild('0123456789')
    const url = (await buildStep()).logUrl!
    const whole = await get(url)
    expect(whole.headers.get('etag')).toBe(`"${sha}"`)
    expect(whole.headers.get('x-content-type-options')).toBe('nosniff')
    const parts: [Record<string, string>, number, string][] = [
      [{ range: 'bytes=0-0' }, 206, '0'],
      [{ range: 'bytes=-3' }, 206, '789'],
      [{ range: 'bytes=5-99' }, 206, '56789'],
      [{ range: 'bytes=0-1,4-5' }, 200, '0123456789'],
      [{ range: 'bytes=5-2' }, 200, '0123456789'],
      [{ range: 'lines=1-2' }, 200, '0123456789'],
      [{ range: 'bytes=10-' }, 416, ''],
      [{ range: 'bytes=-0' }, 416, ''],
      [{ range: 'bytes=2-3', 'if-range': `"${sha}"` }, 206, '23'],
      [{ range: 'bytes=2-3', 'if-range': '"other"' }, 200, '0123456789'],
      [{ 'if-none-match': `W/"${sha}"` }, 304, ''],
    ]
    for (const [headers, status, text] of parts) {
      const reply = await get(url, headers)
      expect([headers, reply.status, await reply.text()]).toEqual([headers, status, text])
    }
    const head = await get(url, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10'])
    expect((await get(url, {}, 'PUT')).status).toBe(405)
  })

  test('is gone with its job, and its URL ends in time', async () => {
    await finishBuild('log')
    const url = (await buildStep()).logUrl!
    clockOffset = limits.downloadUrlSecondsMax * 1000 + 60_000
    expect((await get(url)).status).toBe(403)
    clockOffset = 0
    await client.send(new DeleteJobCommand(key))
    expect((await get(url)).status).toBe(404)
  })
})

test('the build output is zipped once, when it is first asked for', async () => {
  const { database, blobs } = api.services
  const { sha, size } = await blobs.put('<h1>hello</h1>')
  const manifest = { version: 1, files: { 'index.html': { sha, size } } }
  await insertDeployment(database.queries, {
    deploymentId: job.deploymentId,
    branchId: job.branchId,
    jobKey: job.jobKey,
    manifestSha: (await blobs.put(JSON.stringify(manifest))).sha,
    files: 1,
    bytes: size,
    createdAt: Date.now(),
    replacedAt: null,
    skewProtected: false,
  })
  await finishBuild('log')
  const url = (await buildStep()).artifactsUrl!
  const before = putCount
  const replies = await Promise.all([get(url), get(url), get(url)])
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(putCount).toBe(before + 1)
  const [reply] = replies
  expect(reply.headers.get('content-type')).toBe('application/zip')
  expect(reply.headers.get('content-disposition')).toBe('attachment; filename="artifacts.zip"')
  const zip = Buffer.from(await reply.arrayBuffer())
  expect(zip.subarray(0, 4).toString('latin1')).toBe('PK\u0003\u0004')
  expect(zip.includes('index.html')).toBe(true)
  expect((await get(url, { range: 'bytes=0-3' })).status).toBe(206)
  await client.send(new DeleteJobCommand(key))
  expect((await get(url)).status).toBe(404)
})

describe('test artifacts', () => {
  test('are listed by pages and fetched by their id', async () => {
    const { queries } = api.services.database
    const { sha, size } = await api.services.blobs.put('video')
    for (const name of ['a', 'b', 'c']) {
      await insertArtifact(queries, {
        artifactId: `${job.jobKey}-${name}`,
        jobKey: job.jobKey,
        kind: 'test',
        fileName: `videos/${name}.mp4`,
        sha,
        bytes: size,
        createdAt: 0,
      })
    }
    const first = await client.send(new ListArtifactsCommand({ ...key, maxResults: 2 }))
    const second = await client.send(new ListArtifactsCommand({ ...key, nextToken: first.nextToken }))
    const names = [...first.artifacts!, ...second.artifacts!].map((artifact) => artifact.artifactFileName)
    expect(names).toEqual(['videos/a.mp4', 'videos/b.mp4', 'videos/c.mp4'])
    const { artifactId } = first.artifacts![0]!
    const { artifactUrl } = await client.send(new GetArtifactUrlCommand({ artifactId }))
    const reply = await get(artifactUrl!)
    expect(await reply.text()).toBe('video')
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename="a.mp4"')
  })

  test('are what the URLs of step TEST lead to', async () => {
    const { queries } = api.services.database
    await insertStep(queries, { ...stepRow(job.jobKey, 'BUILD'), name: 'TEST' })
    const rowOf = async (kind: 'test' | 'test-config', fileName: string) => {
      const { sha, size } = await api.services.blobs.put(`text of ${fileName}`)
      const artifactId = `${job.jobKey}-${kind}-${fileName}`
      return { artifactId, jobKey: job.jobKey, kind, fileName, sha, bytes: size, createdAt: 1 }
    }
    await insertArtifacts(queries, [
      await rowOf('test', 'report/mochawesome.json'),
      await rowOf('test', 'shots/home page.png'),
      await rowOf('test-config', 'report/mochawesome.json'),
    ])
    const { job: answer } = await client.send(new GetJobCommand(key))
    const step = answer!.steps!.find(({ stepName }) => stepName === 'TEST')!
    expect(new URL(step.testConfigUrl!).pathname).toEndWith('/0000000001/TEST/report/mochawesome.json')
    expect(await (await get(step.testConfigUrl!)).text()).toBe('text of report/mochawesome.json')
    expect(Object.keys(step.screenshots!)).toEqual(['shots/home page.png'])
    expect(await (await get(step.screenshots!['shots/home page.png']!)).text()).toMatch(/home page/)
    const zip = Buffer.from(await (await get(step.testArtifactsUrl!)).arrayBuffer())
    expect(zip.includes('shots/home page.png')).toBe(true)
    expect((await client.send(new ListArtifactsCommand(key))).artifacts?.length).toBe(2)
  })

  test('of a job without tests are none', async () => {
    expect((await client.send(new ListArtifactsCommand(key))).artifacts).toEqual([])
    await expect(client.send(new GetArtifactUrlCommand({ artifactId: 'x' }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'Artifact x not found.',
    })
  })
})
