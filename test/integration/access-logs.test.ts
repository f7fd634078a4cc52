import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  CreateDomainAssociationCommand,
  DeleteAppCommand,
  GenerateAccessLogsCommand,
  GetJobCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-amplify'

import { dataDirectoryAt } from '../../src/data-directory.ts'
import { accessLogFile, appOfFile, hourOf } from '../../src/model/access-log.ts'
import { type LoggedRequest, parseAccessLog } from '../support/access-log.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { sendRaw } from '../support/raw-http.ts'
import { waitFor } from '../support/wait-for.ts'

/** Access logs of a whole server with two edges, from the visit to the download. */

const page = '<h1>Home</h1>'
const script = 'export const answer = 42\n'.repeat(200)
const film = 'film\n'.repeat(400_000)

let preamp: TestPreamp
let appId: string
let host: string
let folder: string

beforeAll(async () => {
  const environment = { PREAMP_EDGE_PROCESSES: '2', PREAMP_DOMAIN_VERIFICATION: 'none' }
  preamp = await startPreamp({ environment })
  folder = dataDirectoryAt(preamp.dataDir).accessLogs
  appId = await createApp()
  host = `main.${appId}.localhost`
  await deploy({ 'index.html': page, 'app.js': script, 'film.mp4': film, 'docs/index.html': page })
})
afterAll(() => preamp.stop())

async function createApp(): Promise<string> {
  const { app } = await preamp.client.send(new CreateAppCommand({ name: 'site' }))
  await preamp.client.send(new CreateBranchCommand({ appId: app!.appId!, branchName: 'main' }))
  return app!.appId!
}

async function deploy(files: Record<string, string>): Promise<void> {
  const { client } = preamp
  const branch = { appId, branchName: 'main' }
  const fileMap = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, createHash('md5').update(text).digest('hex')]),
  )
  const { jobId, fileUploadUrls } = await client.send(new CreateDeploymentCommand({ ...branch, fileMap }))
  for (const [path, body] of Object.entries(files)) {
    await fetch(fileUploadUrls![path]!, { method: 'PUT', body })
  }
  await client.send(new StartDeploymentCommand({ ...branch, jobId }))
  await waitFor('the deployment to succeed', 30, async () => {
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId: jobId! }))
    return job!.summary!.status === 'SUCCEED'
  })
}

/** Each on a connection of its own, so that both edges are asked. */
async function visit(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  const response = await fetch(`${preamp.sitesUrl}${path}`, {
    method,
    redirect: 'manual',
    headers: { host, connection: 'close', 'accept-encoding': 'identity', ...headers },
  })
  await response.arrayBuffer()
  return response
}

async function download(app = appId, domainName = `main.${app}.localhost`): Promise<LoggedRequest[]> {
  const { logUrl } = await preamp.client.send(new GenerateAccessLogsCommand({ appId: app, domainName }))
  const reply = await fetch(logUrl!)
  expect(reply.status).toBe(200)
  return parseAccessLog(await reply.text())
}

/** The lines of requests that bear this mark as their user agent, as soon as they are answered. */
const downloadMarked = async (mark: string) =>
  (await download()).filter((line) => line['cs(User-Agent)'] === mark)

test('every kind of request has its line, without waiting for it', async () => {
  const agent = { 'user-agent': 'kinds' }
  const { headers } = await visit('/', agent)
  await visit('/', { ...agent, 'if-none-match': headers.get('etag')! })
  await visit('/?a=1&b', agent, 'HEAD')
  await visit('/app.js', { ...agent, 'accept-encoding': 'gzip' })
  await visit('/film.mp4', agent)
  await visit('/film.mp4', { ...agent, range: 'bytes=10-19' })
  await visit('/film.mp4', { ...agent, range: 'bytes=9999999-' })
  await visit('/docs?x=1', agent)
  await visit('/missing.css', agent)
  await visit('/', agent, 'POST')
  await visit('/', agent, 'OPTIONS')
  await sendRaw(
    Number(new URL(preamp.sitesUrl).port),
    `CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: kinds\r\nConnection: close\r\n\r\n`,
  )
  const lines = await downloadMarked('kinds')
  // Within a second two edges have no order.
  const seen = lines.map((line) => {
    const [status, sent, length] = [line['sc-status'], line['sc-bytes'], line['sc-content-len']]
    // Of a page that says what is wrong only that there is one.
    const content =
      line['x-edge-result-type'] === 'Error' && sent === length ? 'page' : `${sent} of ${length}`
    return `${line['cs-method']} ${line['cs-uri-stem']} ${line['cs-uri-query']}: ${status} ${content}`
  })
  const packed = lines.find((line) => line['cs-uri-stem'] === '/app.js')!['sc-bytes']
  expect(seen.toSorted()).toEqual(
    [
      `GET / -: 200 ${page.length} of ${page.length}`,
      'GET / -: 304 0 of -',
      `HEAD / a=1&b: 200 0 of ${page.length}`,
      `GET /app.js -: 200 ${packed} of ${packed}`,
      `GET /film.mp4 -: 200 ${film.length} of ${film.length}`,
      'GET /film.mp4 -: 206 10 of 10',
      'GET /film.mp4 -: 416 page',
      'GET /docs x=1: 301 0 of -',
      'GET /missing.css -: 404 page',
      'POST / -: 405 page',
      'OPTIONS / -: 204 0 of -',
      'CONNECT - -: 405 page',
    ].toSorted(),
  )
  expect(Number(packed)).toBeLessThan(script.length / 2)
  const part = lines.find((line) => line['sc-status'] === '206')!
  expect([part['sc-range-start'], part['sc-range-end']]).toEqual(['10', '19'])
  for (const line of lines) {
    expect(line).toMatchObject({ 'cs(Host)': host, 'c-ip': '127.0.0.1', 'cs(Cookie)': '-' })
    expect(Number(line['c-port'])).toBeGreaterThan(1024)
    expect(line['time-taken']).toMatch(/^\d+\.\d{3}$/)
    expect(Math.abs(Date.parse(`${line['date']}T${line['time']}Z`) - Date.now())).toBeLessThan(60_000)
  }
})

test('no header breaks a line or a column', async () => {
  const port = Number(new URL(preamp.sitesUrl).port)
  const hostile = [
    'a,b,"c",\'d\'',
    "=cmd|' /C calc'!A0",
    '\\",\t,%0a%2c',
    'caf\u00c3\u00a9 \u00ff',
    `long,${'"'.repeat(3500)}`,
  ]
  for (const value of hostile) {
    const request = `GET /hostile.css?${'%2C'.repeat(100)},"x HTTP/1.1\r\nHost: ${host.toUpperCase()}.:99\r\nUser-Agent: ${value}\r\nReferer: ${value}\r\nX-Forwarded-For: ${value}\r\nCookie: ${value}\r\nConnection: close\r\n\r\n`
    expect((await sendRaw(port, request)).status).toBe(404)
  }
  const lines = (await download()).filter((line) => line['cs-uri-stem'] === '/hostile.css')
  expect(lines).toHaveLength(hostile.length)
  for (const line of lines) expect(line['cs(Host)']).toBe(host)
})

test("nobody's hosts are not logged, branches without a deployment are", async () => {
  const empty = await createApp()
  const agent = { 'user-agent': 'empty' }
  await visit('/', { ...agent, host: `main.${empty}.localhost` })
  await visit('/', { ...agent, host: `other.${appId}.localhost` })
  await visit('/', { ...agent, host: 'main.dnobody.localhost' })
  const lines = await download(empty)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ 'sc-status': '404', 'cs(User-Agent)': 'empty' })
  expect(await downloadMarked('empty')).toEqual([])
  const apps = new Set(readdirSync(folder).flatMap((hour) => readdirSync(join(folder, hour)).map(appOfFile)))
  expect(apps).toEqual(new Set([appId, empty]))
})

test('hosts of a custom domain are logged, and asked for by its root name', async () => {
  const domainName = 'example.com'
  const subDomainSettings = ['', 'www'].map((prefix) => ({ prefix, branchName: 'main' }))
  await preamp.client.send(new CreateDomainAssociationCommand({ appId, domainName, subDomainSettings }))
  await waitFor('the domain to be served', 10, async () => {
    return (await visit('/', { host: 'WWW.example.com.:80' })).status === 200
  })
  await visit('/', { host: 'example.com' })
  const hosts = (await download(appId, domainName)).map((line) => line['cs(Host)'])
  expect(new Set(hosts)).toEqual(new Set(['example.com', 'www.example.com']))
  await expect(download(appId, 'www.example.com')).rejects.toMatchObject({ name: 'NotFoundException' })
})

test('the lines of both edges come in the order of time, and of one that is ended none is lost', async () => {
  const agent = { 'user-agent': 'both' }
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 30 }, () => visit(`/?round=${round}`, agent)))
    const second = Math.floor(Date.now() / 1000)
    await waitFor('the next second', 5, () => Math.floor(Date.now() / 1000) > second)
  }
  const lines = await downloadMarked('both')
  expect(lines).toHaveLength(90)
  expect(lines.map((line) => line['cs-uri-query'])).toEqual(
    [0, 1, 2].flatMap((round) => Array<string>(30).fill(`round=${round}`)),
  )
  const ids = lines.map((line) => line['x-edge-request-id']!)
  expect(new Set(ids).size).toBe(90)
  const writers = readdirSync(folder).flatMap((hour) =>
    readdirSync(join(folder, hour)).filter((name) => appOfFile(name) === appId),
  )
  expect(new Set(writers).size).toBeGreaterThanOrEqual(2)
})

test('the folders are closed to other users, and a stop writes what is left', async () => {
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  await visit('/', { 'user-agent': 'last' })
  await preamp.stop({ keepData: true })
  preamp = await startPreamp({ dataDir: preamp.dataDir })
  expect(await downloadMarked('last')).toHaveLength(1)
})

test('a server removes what is too old and what deleted apps had, and writes what its settings say', async () => {
  const deleted = await createApp()
  await visit('/', { host: `main.${deleted}.localhost` })
  expect(await download(deleted)).toHaveLength(1)
  await preamp.client.send(new DeleteAppCommand({ appId: deleted }))
  const old = join(folder, hourOf(Date.now() - 2 * 24 * 3600_000))
  mkdirSync(old)
  writeFileSync(join(old, accessLogFile(appId, 'aa')), '')
  const hasDeleted = () =>
    readdirSync(folder).some((hour) =>
      readdirSync(join(folder, hour)).some((name) => appOfFile(name) === deleted),
    )
  expect(hasDeleted()).toBe(true)

  await restart({
    PREAMP_ACCESS_LOG_DAYS: '1',
    PREAMP_ACCESS_LOG_COOKIES: 'true',
    PREAMP_ACCESS_LOG_ADDRESSES: 'false',
  })
  await waitFor('what is old to be gone', 10, () => !existsSync(old) && !hasDeleted())
  await visit('/', { 'user-agent': 'settings', cookie: 'a=1' })
  expect(await downloadMarked('settings')).toMatchObject([
    { 'cs(Cookie)': 'a=1', 'c-ip': '-', 'c-port': '-' },
  ])

  await restart({ PREAMP_ACCESS_LOG_DAYS: '0' })
  await waitFor('all to be gone', 10, () => readdirSync(folder).length === 0)
  expect((await visit('/')).status).toBe(200)
  await expect(download()).rejects.toMatchObject({ name: 'BadRequestException' })
})

async function restart(environment: Record<string, string>): Promise<void> {
  await preamp.stop({ keepData: true })
  preamp = await startPreamp({ dataDir: preamp.dataDir, environment })
}
