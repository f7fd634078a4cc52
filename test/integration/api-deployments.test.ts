import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  DeleteJobCommand,
  GetJobCommand,
  StartDeploymentCommand,
  type StartDeploymentCommandInput,
  StopJobCommand,
  UpdateAppCommand,
} from '@aws-sdk/client-amplify'

import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { limits } from '../../src/model/limits.ts'
import { listUploads } from '../../src/store/uploads.ts'
import { startApi, type TestApi } from '../support/api.ts'

let api: TestApi
let client: AmplifyClient
let folder: string
let branch: { appId: string; branchName: string }
let clockOffset = 0
let shortage: string | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-test-'))
  api = await startApi({
    services: {
      blobs: await openDiskBlobs(join(folder, 'blobs')),
      diskShortage: async () => shortage,
      now: () => Date.now() + clockOffset,
    },
  })
  client = api.client()
})
beforeEach(async () => {
  clockOffset = 0
  shortage = undefined
  const { app } = await client.send(new CreateAppCommand({ name: 'site' }))
  branch = { appId: app!.appId!, branchName: 'main' }
  await client.send(new CreateBranchCommand(branch))
})
afterAll(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

const create = (fileMap?: Record<string, string>) =>
  client.send(new CreateDeploymentCommand({ ...branch, ...(fileMap && { fileMap }) }))
const start = async (members: Partial<StartDeploymentCommandInput>) =>
  (await client.send(new StartDeploymentCommand({ ...branch, ...members }))).jobSummary!
const put = (url: string, body: RequestInit['body'], headers: Record<string, string> = {}) =>
  fetch(url, { method: 'PUT', body: body ?? null, headers })
const md5 = (text: string) => createHash('md5').update(text).digest('hex')

async function uploads() {
  const { queries } = api.services.database
  const { jobKey } = await queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .select('jobKey')
    .where('appId', '=', branch.appId)
    .orderBy('number', 'desc')
    .executeTakeFirstOrThrow()
  return listUploads(queries, jobKey)
}

async function blobCount(): Promise<number> {
  return (await Array.fromAsync(api.services.blobs.list())).length
}

const badRequest = (message: string) =>
  expect.objectContaining({
    name: 'BadRequestException',
    message: expect.stringContaining(message) as string,
  })

const files = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_file, at) => [`${at}.html`, '']))

describe('CreateDeployment', () => {
  test('takes many files, and refuses more', async () => {
    await expect(create(files(limits.fileMapFilesMax + 1))).rejects.toEqual(
      badRequest('The fileMap has 10001 files and can have 10000. Leave it out and upload one zip.'),
    )
    const { fileUploadUrls } = await create(files(limits.fileMapFilesMax))
    expect(Object.keys(fileUploadUrls!)).toHaveLength(limits.fileMapFilesMax)
  })

  test('answers one URL for a zip', async () => {
    const { jobId, fileUploadUrls, zipUploadUrl } = await create()
    expect({ jobId, fileUploadUrls }).toEqual({ jobId: '1', fileUploadUrls: {} })
    expect(zipUploadUrl).toStartWith(`${api.url}/_preamp/transfers/${branch.appId}/main/0000000001/`)
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId }))
    expect(job!.summary).toMatchObject({ status: 'CREATED', jobType: 'MANUAL', commitId: '' })
  })

  test('answers a URL for each file, of any name that can be published', async () => {
    const names = ['index.html', 'a b/ü?#%.txt', '日本/👋.html', 'constructor']
    const { fileUploadUrls, zipUploadUrl } = await create(Object.fromEntries(names.map((name) => [name, ''])))
    expect(zipUploadUrl).toBe('')
    expect(Object.keys(fileUploadUrls!).toSorted()).toEqual(names.toSorted())
    for (const name of names) expect((await put(fileUploadUrls![name]!, name)).status).toBe(200)
    expect((await uploads()).every(({ sha }) => sha !== null)).toBe(true)
  })

  test.each([
    '',
    '/etc/passwd',
    '../a',
    'a/../../b',
    'a//b',
    './a',
    'a\\b',
    'C:/a',
    'a\u0000',
    'a\nb',
    'x'.repeat(256),
  ])('refuses the file name %j', async (name) => {
    await expect(create({ [name]: md5('') })).rejects.toMatchObject({ name: 'BadRequestException' })
  })

  test('refuses two names of one file, and what is no MD5', async () => {
    await expect(create({ '\u00fc': '', 'u\u0308': '' })).rejects.toEqual(
      badRequest('two names for one file'),
    )
    await expect(create({ a: 'nonsense' })).rejects.toEqual(badRequest('not an MD5 in hex'))
  })

  test('refuses while the last one is not finished, and a connected app', async () => {
    await create()
    await expect(create()).rejects.toEqual(
      badRequest('The last job(deployment) 1 was not finished, please wait'),
    )
    await client.send(new StopJobCommand({ ...branch, jobId: '1' }))
    expect((await create()).jobId).toBe('2')
    const repository = 'https://git.example/a.git'
    const { app } = await client.send(new CreateAppCommand({ name: 'connected', repository }))
    branch = { appId: app!.appId!, branchName: 'main' }
    await client.send(new CreateBranchCommand(branch))
    const connected = badRequest('Operation not supported. App is already connected a repository.')
    await expect(create()).rejects.toEqual(connected)
    await expect(start({ sourceUrl: 'https://files.example/a.zip' })).rejects.toEqual(connected)
  })

  test('says NotFound for an unknown branch', async () => {
    branch = { ...branch, branchName: 'dev' }
    await expect(create()).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'Branch dev not found.',
    })
  })
})

describe('an upload', () => {
  test('is taken with any Content-Type or none, whole or in chunks; the last one counts', async () => {
    const { zipUploadUrl } = await create()
    const stream = new Blob(['third']).stream()
    const bodies: [RequestInit['body'], Record<string, string>][] = [
      [new Uint8Array([1, 2, 3]), {}],
      ['second', { 'content-type': 'application/zip', 'content-encoding': 'gzip' }],
      [stream, { 'content-type': 'nonsense' }],
    ]
    for (const [body, headers] of bodies) expect((await put(zipUploadUrl!, body, headers)).status).toBe(200)
    const [upload] = await uploads()
    expect(upload!.bytes).toBe(5)
    expect(await api.services.blobs.open(upload!.sha!).text()).toBe('third')
  })

  test('with other bytes than announced is refused, and nothing is kept', async () => {
    const { fileUploadUrls } = await create({ 'a.txt': md5('right').toUpperCase() })
    const before = await blobCount()
    const wrong = await put(fileUploadUrls!['a.txt']!, 'wrong')
    expect(wrong.status).toBe(400)
    expect(await wrong.text()).toContain(md5('right'))
    expect(await blobCount()).toBe(before)
    expect((await uploads())[0]!.sha).toBeNull()
    expect((await put(fileUploadUrls!['a.txt']!, 'right')).status).toBe(200)
  })

  test('is refused while the disk is nearly full, and nothing is kept', async () => {
    const { zipUploadUrl } = await create()
    const before = await blobCount()
    shortage = 'The disk is nearly full.'
    const refused = await put(zipUploadUrl!, 'bytes')
    expect(refused.status).toBe(503)
    expect(await refused.json()).toEqual({ message: 'The disk is nearly full. Nothing was stored.' })
    expect(await blobCount()).toBe(before)
    shortage = undefined
    expect((await put(zipUploadUrl!, 'bytes')).status).toBe(200)
  })

  test('that names too great a length is refused before it is read', async () => {
    const { zipUploadUrl } = await create()
    const { port, pathname, search } = new URL(zipUploadUrl!)
    const { promise: reply, resolve } = Promise.withResolvers<string>()
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: Number(port),
      socket: { data: (_socket, bytes) => resolve(bytes.toString()) },
    })
    const length = limits.archiveBytesMax + 1
    socket.write(
      `PUT ${pathname}${search} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${length}\r\n\r\n`,
    )
    expect(await reply).toStartWith('HTTP/1.1 413')
    socket.end()
    expect((await uploads())[0]!.sha).toBeNull()
  })

  test('is refused after StartDeployment, and once the job is deleted', async () => {
    const { jobId, zipUploadUrl } = await create()
    expect((await put(zipUploadUrl!, 'zip')).status).toBe(200)
    await start({ jobId })
    expect((await put(zipUploadUrl!, 'other')).status).toBe(400)
    await client.send(new DeleteJobCommand({ ...branch, jobId }))
    expect((await put(zipUploadUrl!, 'other')).status).toBe(404)
  })

  test('is refused with a URL that is changed, cut, of another job, or expired', async () => {
    const { zipUploadUrl } = await create()
    const url = new URL(zipUploadUrl!)
    const change = (name: string, value: string) => {
      const changed = new URL(url)
      changed.searchParams.set(name, value)
      return changed.href
    }
    const claims = Buffer.from(url.searchParams.get('claims')!, 'base64url').toString()
    const forged = Buffer.from(claims.replace('"name":""', '"name":"x"')).toString('base64url')
    for (const bad of [
      change('claims', forged),
      change('signature', 'x'),
      change('claims', ''),
      url.origin + url.pathname,
    ]) {
      const reply = await put(bad, 'zip')
      expect(reply.status).toBe(403)
      expect(await reply.text()).toContain('not made by this server')
    }
    clockOffset = limits.uploadSecondsMax * 1000 + 60_000
    const expired = await put(zipUploadUrl!, 'zip')
    expect(expired.status).toBe(403)
    expect(await expired.text()).toContain('expired')
  })

  test('takes PUT only', async () => {
    const { zipUploadUrl } = await create()
    const reply = await fetch(zipUploadUrl!, { method: 'POST', body: 'zip' })
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'PUT'])
  })
})

describe('StartDeployment', () => {
  test('starts what was uploaded, once', async () => {
    const { jobId } = await create()
    expect(await start({ jobId: '0000000001' })).toMatchObject({ jobId, status: 'PENDING' })
    await expect(start({ jobId })).rejects.toEqual(badRequest('Job 1 is PENDING'))
  })

  test('refuses after 8 hours, and the job has failed with a reason', async () => {
    const { jobId } = await create()
    await api.services.database.queries
      .updateTable('jobs')
      .set({ createdAt: Date.now() - limits.uploadSecondsMax * 1000 - 1000 })
      .where('status', '=', 'CREATED')
      .execute()
    await expect(start({ jobId })).rejects.toEqual(badRequest('Job 1 is FAILED'))
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId }))
    expect(job!.steps).toMatchObject([
      { stepName: 'DEPLOY', status: 'FAILED', statusReason: expect.stringContaining('8 hours') as string },
    ])
  })

  test('takes a sourceUrl without CreateDeployment, and echoes it', async () => {
    const sourceUrl = 'https://files.example/site.zip'
    expect(await start({ sourceUrl })).toMatchObject({
      jobId: '1',
      status: 'PENDING',
      sourceUrl,
      sourceUrlType: 'ZIP',
    })
    await expect(start({ sourceUrl })).rejects.toEqual(badRequest('The last job(deployment) 1'))
  })

  test.each([
    [{}, 'Must specify jobId or sourceUrl for StartDeploymentRequest.'],
    [{ jobId: '1', sourceUrl: 's3://b/k.zip' }, 'not both'],
    [{ sourceUrl: 'https://files.example/x/', sourceUrlType: 'BUCKET_PREFIX' }, 's3://bucket/prefix'],
    [{ sourceUrl: 'file:///etc/passwd' }, 'sourceUrl'],
  ] as [Partial<StartDeploymentCommandInput>, string][])('refuses %j', async (members, message) => {
    await expect(start(members)).rejects.toEqual(badRequest(message))
  })

  test('says NotFound for an unknown job', async () => {
    await expect(start({ jobId: '4' })).rejects.toMatchObject({ name: 'NotFoundException' })
  })
})

test('an app that was disconnected takes deployments', async () => {
  const { app } = await client.send(
    new CreateAppCommand({ name: 'a', repository: 'https://git.example/a.git' }),
  )
  branch = { appId: app!.appId!, branchName: 'main' }
  await client.send(new CreateBranchCommand(branch))
  await client.send(new UpdateAppCommand({ appId: branch.appId, repository: '' }))
  expect((await create()).jobId).toBe('1')
})
