import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { AmplifyClient } from '@aws-sdk/client-amplify'
import { sql } from 'kysely'
import pino from 'pino'

import type { OperationName } from '../../src/api/operation.ts'
import { quotaPresets, type Quotas } from '../../src/model/quotas.ts'
import { startApi, type TestApi } from '../support/api.ts'
import {
  call,
  failureOf,
  httpStatusOf,
  inputMembers,
  type Members,
  modelledErrors,
  operationNames,
} from '../support/contract.ts'
import { databaseContent } from '../support/database-content.ts'
import { boundValues } from '../support/member-values.ts'
import { inputFor, nowhere } from '../support/operation-inputs.ts'

/**
 * Each error that AWS's model lists for an operation, reached through a real call; or, where by decision it never comes,
 * a row in docs/compatibility.md that says so.
 */

/** Errors that an operation never answers, or only while the disk is full (full-disk.test.ts), by what docs/compatibility.md says. */
const never: Record<string, { except: OperationName[]; row: string }> = {
  LimitExceededException: {
    except: [
      'StartJob',
      'CreateApp',
      'CreateBranch',
      'CreateDomainAssociation',
      'CreateWebhook',
      'CreateBackendEnvironment',
    ],
    row: '`LimitExceededException`',
  },
  DependentServiceFailureException: { except: [], row: '`DependentServiceFailureException`' },
}

const neverComes = (name: OperationName, error: string) =>
  never[error] !== undefined && !never[error].except.includes(name)

/** What there may be, until a test says otherwise. */
const quotas: Quotas = { ...quotaPresets.generous }
let api: TestApi
let disabled: AmplifyClient
const logged: string[] = []
const log = pino({ level: 'error' }, { write: (line) => void logged.push(line) })
beforeAll(async () => {
  api = await startApi({ log, services: { quotas } })
  disabled = api.client(await api.createKey({ enabled: false }))
})
afterAll(() => api.stop())
afterEach(() => void Object.assign(quotas, quotaPresets.generous))

/** How each error is brought about: the input that meets it, made from one that would succeed. */
const causes: Record<string, (name: OperationName, input: Members) => Promise<Members | undefined>> = {
  BadRequestException: async (name, input) => pastBound(name, input),
  NotFoundException: async (name, input) => withoutResource(name, input),
  ResourceNotFoundException: async (name, input) => withoutResource(name, input),
  LimitExceededException: async (name, input) => {
    if (name === 'StartJob') await call(api.client(), 'StartJob', input)
    else for (const quota of Object.keys(quotas)) quotas[quota as keyof Quotas] = 0
    return input
  },
}

/** The first member that can be wrong, wrong. */
function pastBound(name: OperationName, input: Members): Members {
  for (const [member, { shape }] of Object.entries(inputMembers(name))) {
    const past = boundValues(shape).find(({ isPast, value }) => isPast && value !== '' && value !== 101)
    if (past) return { ...input, [member]: past.value }
  }
  throw new Error(`No member of ${name} can be wrong`)
}

/** The innermost resource that the path names, nowhere. */
function withoutResource(name: OperationName, input: Members): Members {
  const inPath = Object.entries(inputMembers(name)).filter(([, { location }]) => location === 'uri')
  const [member] = inPath.at(-1)!
  return { ...input, [member]: nowhere[member] }
}

describe.each(operationNames)('%s', (name) => {
  const errors = modelledErrors(name).filter((error) => error in causes && !neverComes(name, error))

  test.each(errors)('%s', async (error) => {
    const input = await causes[error]!(name, await inputFor(api, name))
    const before = await databaseContent(api)
    const failure = await failureOf(api.client(), name, input!)
    expect(failure).toMatchObject({ name: error, status: httpStatusOf(error) })
    expect(failure!.message).not.toBe('')
    expect(await databaseContent(api)).toEqual(before)
  })

  test('a disabled key is told so', async () => {
    const input = await inputFor(api, name)
    const before = await databaseContent(api)
    expect(await failureOf(disabled, name, input)).toMatchObject({
      name: 'UnauthorizedException',
      status: 401,
    })
    expect(await databaseContent(api)).toEqual(before)
  })

  test('a fault of the database is an InternalFailure that is told to the log alone, and then it works again', async () => {
    const input = await inputFor(api, name)
    const { queries } = api.services.database
    await sql`alter table apps rename to apps_lost`.execute(queries)
    const failure = await failureOf(api.client(), name, input)
    await sql`alter table apps_lost rename to apps`.execute(queries)
    expect(failure).toMatchObject({ name: 'InternalFailureException', status: 500 })
    expect(failure!.message).not.toContain('apps')
    expect(logged.at(-1)).toContain('no such table')
    expect(await failureOf(api.client(), name, input)).toBeUndefined()
  })
})

describe('operations whose model has no NotFound', () => {
  // Clients know the error all the same, and `amplify publish` shows its message (contract §1.3).
  const unmodelled = operationNames.filter(
    (name) =>
      !modelledErrors(name).some((error) => /^(Resource)?NotFoundException$/.test(error)) &&
      Object.values(inputMembers(name)).some(({ location }) => location === 'uri'),
  )
  test.each(unmodelled)('%s answers it for what is nowhere', async (name) => {
    const input = withoutResource(name, await inputFor(api, name))
    expect(await failureOf(api.client(), name, input)).toMatchObject({
      name: 'NotFoundException',
      status: 404,
    })
  })
})

test('every error of the model is reached, or docs/compatibility.md says that it never comes', () => {
  const document = readFileSync(join(import.meta.dir, '../../docs/compatibility.md'), 'utf8')
  const differences = document.slice(document.indexOf('\n## Deliberate differences'))
  const reached = new Set([...Object.keys(causes), 'UnauthorizedException', 'InternalFailureException'])
  const errors = new Set(operationNames.flatMap(modelledErrors))
  expect([...errors].filter((error) => !reached.has(error) && !never[error])).toEqual([])
  for (const { row } of Object.values(never)) expect(differences).toContain(`| ${row}`)
})

describe('messages that scripts match', () => {
  test.each([
    ['an app', 'GetApp', { appId: 'dnowhere' }, 'App dnowhere not found.'],
    ['a branch', 'GetBranch', { branchName: 'nowhere' }, 'Branch nowhere not found.'],
    ['a branch', 'CreateDeployment', { branchName: 'nowhere' }, 'Branch nowhere not found.'],
    ['a job', 'GetJob', { jobId: '99' }, 'Job 99 not found.'],
  ] as const)('%s that is nowhere, in %s', async (_what, name, members, message) => {
    const failure = await failureOf(api.client(), name, { ...(await inputFor(api, name)), ...members })
    expect(failure!.message).toBe(message)
  })

  test.each([
    ['StartJob', { jobType: 'MANUAL' }, 'The requested jobType MANUAL does not support.'],
    ['StartDeployment', { jobId: undefined }, 'Must specify jobId or sourceUrl for StartDeploymentRequest.'],
  ] as const)('%s with %j', async (name, members, message) => {
    const failure = await failureOf(api.client(), name, { ...(await inputFor(api, name)), ...members })
    expect(failure).toMatchObject({ name: 'BadRequestException', message })
  })

  test('of a busy branch, a branch that exists, a connected app, a deployment not finished', async () => {
    const client = api.client()
    const connected = await inputFor(api, 'StartJob')
    await call(client, 'StartJob', connected)
    expect((await failureOf(client, 'StartJob', connected))!.message).toBe(
      'The requested branch main already have pending or running jobs',
    )
    const { appId, branchName } = connected
    expect((await failureOf(client, 'CreateBranch', { appId, branchName }))!.message).toBe(
      `Failed to create branch. The branch main already exists for the app ${appId}`,
    )
    expect((await failureOf(client, 'CreateDeployment', { appId, branchName }))!.message).toBe(
      'Operation not supported. App is already connected a repository.',
    )
    const manual = await inputFor(api, 'CreateDeployment')
    await call(client, 'CreateDeployment', manual)
    expect((await failureOf(client, 'CreateDeployment', manual))!.message).toBe(
      'The last job(deployment) 1 was not finished, please wait until it finish or use StopJob operation to cancel it before creating a new deployment.',
    )
  })
})
