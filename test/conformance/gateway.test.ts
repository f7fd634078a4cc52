import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import {
  BadRequestException,
  GetAppCommand,
  GetBranchCommand,
  InternalFailureException,
  LimitExceededException,
  ListAppsCommand,
  ListTagsForResourceCommand,
  NotFoundException,
  ResourceNotFoundException,
  StartJobCommand,
  UnauthorizedException,
  UntagResourceCommand,
} from '@aws-sdk/client-amplify'
import pino from 'pino'

import * as errors from '../../src/api/errors.ts'
import type { Operation, OperationName, Operations } from '../../src/api/operation.ts'
import { operations } from '../../src/api/operations.ts'
import type { KeyPair } from '../../src/first-key.ts'
import { limits } from '../../src/model/limits.ts'
import { changeAccessKey, deleteAccessKey } from '../../src/store/access-keys.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { findProgram, requires } from '../support/requires.ts'

/**
 * The gateway through its front door, with AWS's own clients. The handlers are echoes: they answer what they were
 * asked, or throw what the app's name says.
 */

const received = new Map<OperationName, unknown>()

function echo(operation: Operation): Operation {
  return {
    ...operation,
    handle: async (_context, input: Record<string, unknown>) => {
      received.set(operation.name, input)
      const failure = failures[String(input['appId'])]
      if (failure) throw failure()
      return {
        app: { appId: input['appId'], updateTime: new Date(1_704_164_645_678), description: undefined },
      }
    },
  }
}

const failures: Record<string, () => Error> = {
  dnotfound: () => new errors.NotFoundException('App dnotfound not found.'),
  dlimit: () => new errors.LimitExceededException('Too many.'),
  dunauthorized: () => new errors.UnauthorizedException('No.'),
  dbug: () => new TypeError('secret detail of a bug'),
}

const echoes = Object.fromEntries(
  Object.entries(operations).map(([name, operation]) => [name, echo(operation)]),
) as unknown as Operations

const logged: string[] = []
const log = pino({ level: 'error' }, { write: (line) => void logged.push(line) })
let api: TestApi
beforeAll(async () => {
  api = await startApi({ operations: echoes, log })
})
afterAll(() => api.stop())

const failure = (sent: Promise<unknown>) =>
  sent.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )

describe('the JavaScript SDK', () => {
  test.each(['main', 'feature/x', 'a b', 'a+b%2F', 'zweig/ä/日本', '*', "quote'(!)"])(
    'sends the branch %s',
    async (name) => {
      await api.client().send(new GetBranchCommand({ appId: 'd1', branchName: name }))
      expect(received.get('GetBranch')).toEqual({ appId: 'd1', branchName: name })
    },
  )

  test('sends ARNs, lists in the query, numbers and times', async () => {
    const resourceArn = 'arn:aws:amplify:us-east-1:000000000000:apps/d1/branches/a/b c'
    await api.client().send(new UntagResourceCommand({ resourceArn, tagKeys: ['b', 'a+c', 'b'] }))
    expect(received.get('UntagResource')).toEqual({ resourceArn, tagKeys: ['b', 'a+c', 'b'] })
    await api.client().send(new UntagResourceCommand({ resourceArn, tagKeys: ['one'] }))
    expect(received.get('UntagResource')).toEqual({ resourceArn, tagKeys: ['one'] })
    await api.client().send(new ListAppsCommand({ maxResults: 7, nextToken: 'a b+c/=' }))
    expect(received.get('ListApps')).toEqual({ maxResults: 7, nextToken: 'a b+c/=' })
    const commitTime = new Date(1_704_164_645_678)
    await api
      .client()
      .send(new StartJobCommand({ appId: 'd1', branchName: 'x', jobType: 'RELEASE', commitTime }))
    expect(received.get('StartJob')).toMatchObject({ commitTime })
  })

  test('reads times and is not told of absent members', async () => {
    const { app, $metadata } = await api.client().send(new GetAppCommand({ appId: 'd1' }))
    expect(app as unknown).toEqual({ appId: 'd1', updateTime: new Date(1_704_164_645_678) })
    expect($metadata.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  })

  test.each([
    ['dnotfound', NotFoundException, 'App dnotfound not found.'],
    ['dlimit', LimitExceededException, 'Too many.'],
    ['dunauthorized', UnauthorizedException, 'No.'],
    ['D', BadRequestException, 'Member must satisfy regular expression pattern: d[a-z0-9]+'],
  ] as const)('tells %s by its type', async (appId, type, message) => {
    const error = await failure(api.client().send(new GetAppCommand({ appId })))
    expect(error).toBeInstanceOf(type)
    expect(String(error)).toContain(message)
  })

  test('is told nothing of a bug; the log is', async () => {
    const error = (await failure(
      api.client().send(new GetAppCommand({ appId: 'dbug' })),
    )) as InternalFailureException
    expect(error).toBeInstanceOf(InternalFailureException)
    expect(error.message).not.toContain('secret')
    const line = logged.find((text) => text.includes(String(error.$metadata.requestId)))
    expect(line).toContain('secret detail of a bug')
  })

  test.each([
    ['GET', '/apps/'],
    ['GET', '/apps//branches'],
    ['GET', '/apps/d1/'],
    ['GET', '//apps'],
    ['PATCH', '/apps/d1'],
    ['GET', '/nothing/here'],
  ])('%s %s, however well signed, is no operation', async (method, path) => {
    received.clear()
    const error = await failure(sendChanged({ method, path }))
    expect(error).toMatchObject({ name: 'UnknownOperationException', $metadata: { httpStatusCode: 404 } })
    expect(received.size).toBe(0)
  })

  test('a body cannot name another resource than the path', async () => {
    await sendChanged({ method: 'POST', path: '/apps/d1/branches', body: '{"appId":"d2","branchName":"x"}' })
    expect(received.get('CreateBranch')).toEqual({ appId: 'd1', branchName: 'x' })
  })

  test.each(['[]', '{', 'null', '"a"', `{"name":${'['.repeat(100)}${']'.repeat(100)}}`])(
    'the body %s is a bad request',
    async (body) => {
      const error = await failure(sendChanged({ method: 'POST', path: '/apps', body }))
      expect(error).toBeInstanceOf(BadRequestException)
    },
  )

  test('a body beyond the limit is refused', async () => {
    const error = await failure(
      sendChanged({ method: 'POST', path: '/apps', body: ' '.repeat(limits.requestBodyBytesMax + 1) }),
    )
    expect(error).toMatchObject({ name: 'RequestTooLargeException', $metadata: { httpStatusCode: 413 } })
  })
})

/** A call of AWS's client, changed before it is signed. */
function sendChanged(changes: { method: string; path: string; body?: string }): Promise<unknown> {
  const client = api.client()
  client.middlewareStack.add(
    (next) => (args) => {
      Object.assign(args.request as object, changes)
      return next(args)
    },
    { step: 'build' },
  )
  return client.send(new GetAppCommand({ appId: 'd1' }))
}

describe('ResourceNotFoundException', () => {
  test('carries its code in the body as well', async () => {
    const unknown = {
      ...echoes,
      ListTagsForResource: {
        ...echoes.ListTagsForResource,
        handle: () => Promise.reject(new errors.ResourceNotFoundException('No such resource.')),
      },
    } as Operations
    const other = await startApi({ operations: unknown })
    const resourceArn = 'arn:aws:amplify:us-east-1:000000000000:apps/d1'
    const error = await failure(other.client().send(new ListTagsForResourceCommand({ resourceArn })))
    await other.stop()
    expect(error).toBeInstanceOf(ResourceNotFoundException)
    expect(error).toMatchObject({ code: 'ResourceNotFoundException', message: 'No such resource.' })
  })
})

const outcome = async (key: KeyPair) => {
  const error = (await failure(api.client(key).send(new GetAppCommand({ appId: 'd1' })))) as {
    name: string
    $metadata: { httpStatusCode?: number }
  }
  return [error.$metadata.httpStatusCode, error.name]
}

describe('credentials', () => {
  test('an unknown key', async () => {
    expect(await outcome({ ...api.key, accessKeyId: 'AKIAUNKNOWN' })).toEqual([
      403,
      'UnrecognizedClientException',
    ])
  })

  test('a wrong secret', async () => {
    expect(await outcome({ ...api.key, secretAccessKey: 'wrong' })).toEqual([
      403,
      'InvalidSignatureException',
    ])
  })

  test('an expired key', async () => {
    expect(await outcome(await api.createKey({ expiresAt: Date.now() - 1 }))).toEqual([
      401,
      'UnauthorizedException',
    ])
  })

  test('a disabled key is told so only with its secret, and a key is disabled, enabled and deleted at once', async () => {
    const { queries } = api.services.database
    const key = await api.createKey()
    const call = () => api.client(key).send(new GetAppCommand({ appId: 'd1' }))
    await call()
    await changeAccessKey(queries, key.accessKeyId, { enabled: false })
    expect(await outcome(key)).toEqual([401, 'UnauthorizedException'])
    expect(await outcome({ ...key, secretAccessKey: 'wrong' })).toEqual([403, 'InvalidSignatureException'])
    await changeAccessKey(queries, key.accessKeyId, { enabled: true })
    await call()
    await deleteAccessKey(queries, key.accessKeyId)
    expect(await outcome(key)).toEqual([403, 'UnrecognizedClientException'])
  })

  test('none', async () => {
    const reply = await fetch(`${api.url}/apps`)
    expect(reply.status).toBe(403)
    expect(reply.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException')
    expect(reply.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(await reply.json()).toEqual({ message: 'Missing Authentication Token' })
  })

  test('are asked for before a path is known to exist', async () => {
    expect((await fetch(`${api.url}/nothing/here`)).status).toBe(403)
  })
})

describe('requests that no client sends', () => {
  test.each([
    ['a Host that is none', { host: 'a b' }, '/apps', 400],
    ['malformed percent-encoding', {}, '/apps/%zz', 400],
  ])('%s', async (_name, headers: Record<string, string>, path, status) => {
    const reply = await rawGet(path, { host: 'localhost', ...headers })
    expect(reply).toStartWith(`HTTP/1.1 ${status} `)
    expect(reply.toLowerCase()).toContain('x-amzn-errortype: badrequestexception')
    expect(reply.toLowerCase()).toContain('x-amzn-requestid: ')
  })

  test('two Hosts and none', async () => {
    expect(await rawGet('/apps', { host: 'a\r\nHost: a' })).toStartWith('HTTP/1.1 400 ')
    expect(await rawGet('/apps', {})).toStartWith('HTTP/1.1 400 ')
  })

  test('our own paths', async () => {
    expect((await fetch(`${api.url}/_preamp/health`)).status).toBe(200)
    expect((await fetch(`${api.url}/_preamp/health`, { method: 'POST' })).status).toBe(403)
    expect((await fetch(`${api.url}/_preamp/`)).status).toBe(403)
    expect((await fetch(`${api.url}/_preamp/health/`)).status).toBe(403)
  })
})

/** One request on its own connection, as it stands. */
async function rawGet(path: string, headers: Record<string, string>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let reply = ''
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  await Bun.connect({
    hostname: '127.0.0.1',
    port: api.port,
    socket: {
      open: (socket) =>
        void socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n`),
      data: (_socket, chunk) => void (reply += chunk.toString()),
      close: () => resolve(reply),
    },
  })
  return promise
}

const boto3 = `
import sys, json, boto3, botocore.config, datetime, urllib.request
endpoint, key, secret = sys.argv[1:4]
config = botocore.config.Config(retries={'max_attempts': 0, 'mode': 'standard'})
def client(key=key, secret=secret):
    return boto3.client('amplify', endpoint_url=endpoint, region_name='eu-central-1', aws_access_key_id=key, aws_secret_access_key=secret, config=config)
def outcome(call):
    try:
        return call()
    except Exception as error:
        response = getattr(error, 'response', None)
        if response is None: raise
        return [type(error).__name__, response['Error']['Code'], response['ResponseMetadata']['HTTPStatusCode']]
amplify = client()
print(json.dumps({
    'found': str(amplify.get_app(appId='d1')['app']['updateTime'].astimezone(datetime.timezone.utc)),
    'branch': outcome(lambda: amplify.get_branch(appId='d1', branchName='feature/x y+ä%2F'))['ResponseMetadata']['HTTPStatusCode'],
    'untagged': outcome(lambda: amplify.untag_resource(resourceArn='arn:aws:amplify:r:0:apps/d1/branches/a/b', tagKeys=['a+b', 'c']))['ResponseMetadata']['HTTPStatusCode'],
    'job': outcome(lambda: amplify.start_job(appId='d1', branchName='m', jobType='RELEASE', commitTime=datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, datetime.timezone.utc)))['ResponseMetadata']['HTTPStatusCode'],
    'deployment': outcome(lambda: amplify.create_deployment(appId='d1', branchName='m'))['ResponseMetadata']['HTTPStatusCode'],
    'presigned': urllib.request.urlopen(amplify.generate_presigned_url('get_branch', {'appId': 'd1', 'branchName': 'a/b'})).status,
    'not found': outcome(lambda: amplify.get_app(appId='dnotfound')),
    'bad request': outcome(lambda: amplify.get_app(appId='D')),
    'limit': outcome(lambda: amplify.get_app(appId='dlimit')),
    'unknown key': outcome(lambda: client(key='AKIAUNKNOWN').get_app(appId='d1')),
    'wrong secret': outcome(lambda: client(secret='wrong').get_app(appId='d1')),
}))
`

describe.if(requires('boto3'))('Debian’s boto3', () => {
  test('speaks with us, and tells errors by their type', async () => {
    const { accessKeyId, secretAccessKey } = api.key
    const child = Bun.spawn([findProgram('boto3')!, '-c', boto3, api.url, accessKeyId, secretAccessKey], {
      stdout: 'pipe',
    })
    const output = await new Response(child.stdout).text()
    expect(JSON.parse(output)).toEqual({
      found: '2024-01-02 03:04:05.678000+00:00',
      branch: 200,
      untagged: 200,
      job: 200,
      deployment: 200,
      presigned: 200,
      'not found': ['NotFoundException', 'NotFoundException', 404],
      'bad request': ['BadRequestException', 'BadRequestException', 400],
      limit: ['LimitExceededException', 'LimitExceededException', 429],
      'unknown key': ['ClientError', 'UnrecognizedClientException', 403],
      'wrong secret': ['ClientError', 'InvalidSignatureException', 403],
    })
    expect(received.get('GetBranch')).toEqual({ appId: 'd1', branchName: 'a/b' })
    expect(received.get('UntagResource')).toEqual({
      resourceArn: 'arn:aws:amplify:r:0:apps/d1/branches/a/b',
      tagKeys: ['a+b', 'c'],
    })
    expect(received.get('StartJob')).toMatchObject({ commitTime: new Date('2024-01-02T03:04:05Z') })
    expect(received.get('CreateDeployment')).toEqual({ appId: 'd1', branchName: 'm' })
  }, 30_000)
})

const aws = async (...args: string[]) => {
  const child = Bun.spawn(
    [findProgram('aws')!, '--endpoint-url', api.url, '--region', 'us-east-1', 'amplify', ...args],
    {
      env: {
        PATH: '/usr/bin:/bin',
        AWS_ACCESS_KEY_ID: api.key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: api.key.secretAccessKey,
        AWS_MAX_ATTEMPTS: '1',
      },
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  const [output, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { status: await child.exited, output, complaint }
}

describe.if(requires('aws'))('the AWS CLI', () => {
  test('speaks with us', async () => {
    const found = await aws('get-app', '--app-id', 'd1', '--output', 'json')
    expect(found.complaint).toBe('')
    expect(JSON.parse(found.output)).toMatchObject({ app: { appId: 'd1' } })
    const missing = await aws('get-app', '--app-id', 'dnotfound')
    expect(missing.status).not.toBe(0)
    expect(missing.complaint).toContain(
      'An error occurred (NotFoundException) when calling the GetApp operation: App dnotfound not found.',
    )
  }, 60_000)
})
