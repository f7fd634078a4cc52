import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { SignatureV4 } from '@smithy/signature-v4'

import { Sha256 } from '../../src/model/sha256.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { findProgram, requires } from '../support/requires.ts'

/** GetCallerIdentity of STS, as AWS's own clients ask it. */

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

async function ask(body: string, options: { service?: string; secretAccessKey?: string } = {}) {
  const { host } = new URL(api.url)
  const { service = 'sts', secretAccessKey = api.key.secretAccessKey } = options
  const credentials = { accessKeyId: api.key.accessKeyId, secretAccessKey }
  const signer = new SignatureV4({ service, region: 'us-east-1', credentials, sha256: Sha256 })
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname: host,
    path: '/',
    headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })
  const response = await fetch(`${api.url}/`, { method: 'POST', headers, body })
  return { status: response.status, text: await response.text() }
}

const question = 'Action=GetCallerIdentity&Version=2011-06-15'

test('says who signed', async () => {
  const { status, text } = await ask(question)
  expect(status).toBe(200)
  expect(text).toContain('<Arn>arn:aws:iam::000000000000:user/admin</Arn>')
  expect(text).toContain('<Account>000000000000</Account>')
  expect(text).toMatch(/<UserId>AIDA[A-Z0-9]{17}<\/UserId>/)
})

test('names what is wrong as STS does', async () => {
  expect(await ask('Action=AssumeRole&Version=2011-06-15')).toMatchObject({
    status: 400,
    text: expect.stringContaining('<Code>InvalidAction</Code>'),
  })
  expect(await ask(question, { secretAccessKey: 'wrong' })).toMatchObject({
    status: 403,
    text: expect.stringContaining('<Code>SignatureDoesNotMatch</Code>'),
  })
  expect(await ask(question, { service: 'amplify' })).toMatchObject({
    status: 403,
    text: expect.stringContaining('scoped to correct service'),
  })
})

test('a signature for STS opens no operation of Amplify', async () => {
  const { host } = new URL(api.url)
  const signer = new SignatureV4({
    service: 'sts',
    region: 'us-east-1',
    credentials: api.key,
    sha256: Sha256,
  })
  const { headers } = await signer.sign({
    method: 'GET',
    protocol: 'http:',
    hostname: host,
    path: '/apps',
    headers: { host },
  })
  expect((await fetch(`${api.url}/apps`, { headers })).status).toBe(403)
})

const environment = (secretAccessKey: string) => ({
  PATH: '/usr/bin:/bin',
  AWS_ACCESS_KEY_ID: api.key.accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_MAX_ATTEMPTS: '1',
})

async function run(command: string[], secretAccessKey = api.key.secretAccessKey) {
  const child = Bun.spawn(command, { env: environment(secretAccessKey), stdout: 'pipe', stderr: 'pipe' })
  const [output, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()])
  await child.exited
  return { output, complaint }
}

describe.if(requires('boto3'))('boto3', () => {
  test('learns who it is', async () => {
    const script = `import boto3, sys; r = boto3.client('sts', endpoint_url=sys.argv[1]).get_caller_identity(); print(r['Arn'], r['Account'])`
    const { output, complaint } = await run([findProgram('boto3')!, '-c', script, api.url])
    expect(complaint).toBe('')
    expect(output).toBe('arn:aws:iam::000000000000:user/admin 000000000000\n')
  }, 30_000)
})

describe.if(requires('aws'))('the AWS CLI', () => {
  const identify = [findProgram('aws') ?? '', '--endpoint-url']

  test('learns who it is, and why not', async () => {
    const command = [...identify, api.url, 'sts', 'get-caller-identity', '--output', 'json']
    const { output } = await run(command)
    expect(JSON.parse(output)).toMatchObject({ Account: '000000000000' })
    const { complaint } = await run(command, 'wrong')
    expect(complaint).toContain('(SignatureDoesNotMatch) when calling the GetCallerIdentity operation')
  }, 60_000)
})
