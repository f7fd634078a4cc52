import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  DeleteAppCommand,
  GenerateAccessLogsCommand,
  type GenerateAccessLogsCommandInput,
} from '@aws-sdk/client-amplify'

import { accessLogLine } from '../../src/edge/access-log-line.ts'
import { accessLogFile, hourOf } from '../../src/model/access-log.ts'
import { insertDomain } from '../../src/store/domain-associations.ts'
import { parseAccessLog } from '../support/access-log.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { domainRow } from '../support/domain-rows.ts'

/** GenerateAccessLogs over files that were written beforehand; access-logs.test.ts has edges that write them. */

const hour = 3600_000
const day = 24 * hour
const now = Date.now()
const thisHour = now - (now % hour)

let api: TestApi
let client: AmplifyClient
let folder: string
let appId: string
let clockOffset = 0
let isOn = true
let edgesAsked = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-access-logs-'))
  api = await startApi({
    services: {
      now: () => now + clockOffset,
      accessLogs: {
        get isOn() {
          return isOn
        },
        folder,
        written: () => Promise.resolve(void edgesAsked++),
      },
    },
  })
  client = api.client()
})
beforeEach(async () => {
  clockOffset = 0
  isOn = true
  const { app } = await client.send(new CreateAppCommand({ name: 'site' }))
  appId = app!.appId!
  await client.send(new CreateBranchCommand({ appId, branchName: 'feature/x', displayName: 'feature-x' }))
})
afterAll(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

/** Logs a visit whose path says when it was, in hours before this one. */
function log(hoursAgo: number, host: string, app = appId): void {
  const time = thisHour - hoursAgo * hour
  const iso = new Date(time).toISOString()
  const line = accessLogLine(
    {
      request: new Request(`http://${host}/${hoursAgo}`),
      facts: { status: 200 },
      scheme: 'http',
      mayBeHttp2: false,
      id: '1',
      milliseconds: 0,
    },
    { time: `${iso.slice(0, 10)},${iso.slice(11, 19)}`, cookies: false },
  )
  mkdirSync(join(folder, hourOf(time)), { recursive: true })
  appendFileSync(join(folder, hourOf(time), accessLogFile(app, 'aa')), line)
}

const ask = async (input: Omit<GenerateAccessLogsCommandInput, 'appId'>, by = client) =>
  (await by.send(new GenerateAccessLogsCommand({ appId, ...input }))).logUrl!

/** Host and path of each line. */
async function linesOf(input: Omit<GenerateAccessLogsCommandInput, 'appId'>): Promise<string[]> {
  const reply = await fetch(await ask(input))
  expect(reply.status).toBe(200)
  expect(reply.headers.get('content-type')).toBe('text/csv')
  return parseAccessLog(await reply.text()).map((line) => `${line['cs(Host)']}${line['cs-uri-stem']}`)
}

const branchHost = () => `feature-x.${appId}.localhost`

const addDomain = (domainName: string) =>
  insertDomain(api.services.database.queries, domainRow(appId, { domainName }))

describe('hosts', () => {
  test("a branch's own, an app's, a domain with its sub-domains", async () => {
    const domain = `${appId}.example`
    await addDomain(domain)
    const hosts = [
      branchHost(),
      `main.${appId}.localhost`,
      domain,
      `www.${domain}`,
      `a.b.${domain}`,
      `not${domain}`,
    ]
    for (const host of hosts) log(0, host)
    expect(await linesOf({ domainName: branchHost() })).toEqual([`${branchHost()}/0`])
    expect(await linesOf({ domainName: `${appId}.localhost` })).toEqual(
      [branchHost(), `main.${appId}.localhost`].map((host) => `${host}/0`),
    )
    expect(await linesOf({ domainName: domain })).toEqual(
      [domain, `www.${domain}`, `a.b.${domain}`].map((host) => `${host}/0`),
    )
  })

  test('in other spellings, and as defaultDomain shows them', async () => {
    log(0, branchHost())
    for (const domainName of [
      `${branchHost()}:4780`,
      `${branchHost()}.`,
      `FEATURE-X.${appId}.LocalHost`,
      `${appId}.localhost:4780`,
    ]) {
      expect(await linesOf({ domainName })).toEqual([`${branchHost()}/0`])
    }
  })

  test('that are none of the app are not found', async () => {
    await addDomain(`root-${appId}.example`)
    const unknown = [
      `main.${appId}.localhost`,
      `x.feature-x.${appId}.localhost`,
      `www.root-${appId}.example`,
      'unknown.example',
      'feature-x.dother.localhost',
      `feature-x.${appId}.amplifyapp.com`,
    ]
    for (const domainName of unknown) {
      await expect(ask({ domainName })).rejects.toMatchObject({
        name: 'NotFoundException',
        message: expect.stringContaining(domainName),
      })
    }
  })

  test('of another account or region are not found', async () => {
    const stranger = await api.createKey({ accountId: '111111111111' })
    for (const other of [api.client(stranger), api.client(api.key, 'eu-west-1')]) {
      await expect(ask({ domainName: branchHost() }, other)).rejects.toMatchObject({
        name: 'NotFoundException',
        message: `App ${appId} not found.`,
      })
    }
  })
})

const at = (hoursAgo: number, minutes = 0) => new Date(thisHour - hoursAgo * hour + minutes * 60_000)

describe('times', () => {
  beforeEach(() => {
    for (const hoursAgo of [0, 1, 2, 3, 14 * 24, 14 * 24 + 1]) log(hoursAgo, branchHost())
  })

  test.each([
    ['whole hours are answered', { startTime: at(2, 10), endTime: at(2, 20) }, [2]],
    ['both ends are included', { startTime: at(2), endTime: at(1) }, [2, 1]],
    ['a moment has its hour', { startTime: at(2), endTime: at(2) }, [2]],
    ['without an end until now', { startTime: at(1) }, [1, 0]],
    ['without a start two weeks', { endTime: at(1) }, [14 * 24 + 1, 14 * 24, 3, 2, 1]],
    ['without both two weeks until now', {}, [14 * 24, 3, 2, 1, 0]],
    ['an end in the future', { startTime: at(1), endTime: at(-48) }, [1, 0]],
  ])('%s', async (_what, times, hours) => {
    const expected = hours.map((hoursAgo) => `${branchHost()}/${hoursAgo}`)
    expect(await linesOf({ domainName: branchHost(), ...times })).toEqual(expected)
  })

  test.each([
    [
      'more than two weeks',
      { startTime: new Date(now - 14 * day - 1000), endTime: new Date(now) },
      /14 days/,
    ],
    ['more than two weeks until now', { startTime: new Date(now - 15 * day) }, /14 days/],
    ['a start after the end', { startTime: at(1), endTime: at(2) }, /startTime is later than endTime/],
    ['an end before there were times', { endTime: new Date(-8.64e15) }, /of the years 1970 to 9999/],
    ['an end after all times', { endTime: new Date(8.64e15) }, /of the years 1970 to 9999/],
    ['a start in the future', { startTime: at(-1) }, /later than now/],
  ])('%s are refused', async (_what, times, message) => {
    await expect(ask({ domainName: branchHost(), ...times })).rejects.toMatchObject({
      name: 'BadRequestException',
      message: expect.stringMatching(message),
    })
  })
})

describe('the URL', () => {
  test('asks the edges to write what they have, and is read by GET and HEAD alone', async () => {
    log(0, branchHost())
    const url = await ask({ domainName: branchHost() })
    const before = edgesAsked
    const reply = await fetch(url)
    expect(parseAccessLog(await reply.text())).toHaveLength(1)
    expect(edgesAsked).toBe(before + 1)
    expect(reply.headers.get('content-disposition')).toMatch(
      /^attachment; filename="access-log-[0-9T-]+\.csv"$/,
    )
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(405)
  })

  test('is of one app only, cannot be changed, and ends', async () => {
    const url = new URL(await ask({ domainName: branchHost() }))
    const claims = JSON.parse(Buffer.from(url.searchParams.get('claims')!, 'base64url').toString()) as object
    const forged = new URL(url)
    forged.searchParams.set(
      'claims',
      Buffer.from(JSON.stringify({ ...claims, appId: 'dother' })).toString('base64url'),
    )
    expect((await fetch(forged)).status).toBe(403)
    clockOffset = hour - 1000
    expect((await fetch(url)).status).toBe(200)
    clockOffset = hour + 1000
    expect((await fetch(url)).status).toBe(403)
  })

  test('ends with its app', async () => {
    log(0, branchHost())
    const url = await ask({ domainName: branchHost() })
    await client.send(new DeleteAppCommand({ appId }))
    expect((await fetch(url)).status).toBe(404)
  })
})

test('where no access logs are written, the answer says so', async () => {
  isOn = false
  await expect(ask({ domainName: branchHost() })).rejects.toMatchObject({
    name: 'BadRequestException',
    message: expect.stringContaining('PREAMP_ACCESS_LOG_DAYS'),
  })
})
