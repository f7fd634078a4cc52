import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  DeleteJobCommand,
  GetBranchCommand,
  GetJobCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-amplify'

import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { waitFor } from '../support/wait-for.ts'

/** Rollback as an operator does it, and what visitors see then, through a whole server. */

let preamp: TestPreamp
let branch: { appId: string; branchName: string }
beforeAll(async () => {
  preamp = await startPreamp()
  const { app } = await preamp.client.send(new CreateAppCommand({ name: 'rollback' }))
  branch = { appId: app!.appId!, branchName: 'feature/x' }
  await preamp.client.send(new CreateBranchCommand(branch))
})
afterAll(() => preamp.stop())

/** Publishes a page that says this, or a file that was announced and never sent, and gives the job's end. */
async function publish(page: string, isSent = true): Promise<string> {
  const fileMap = { 'index.html': createHash('md5').update(page).digest('hex') }
  const { jobId, fileUploadUrls } = await preamp.client.send(
    new CreateDeploymentCommand({ ...branch, fileMap }),
  )
  if (isSent) await fetch(fileUploadUrls!['index.html']!, { method: 'PUT', body: page })
  await preamp.client.send(new StartDeploymentCommand({ ...branch, jobId: jobId! }))
  return waitFor('the deployment to end', 30, async () => {
    const { job } = await preamp.client.send(new GetJobCommand({ ...branch, jobId: jobId! }))
    const { status = '', endTime } = job!.summary!
    return endTime !== undefined && status
  })
}

async function visit(): Promise<string> {
  const host = `feature-x.${branch.appId}.${new URL(preamp.sitesUrl).host}`
  const response = await fetch(preamp.sitesUrl, { headers: { host, connection: 'close' } })
  return response.text()
}

async function rollback(...words: string[]): Promise<string> {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = process.env
  const args = ['rollback', branch.appId, branch.branchName, ...words, '--data-dir', preamp.dataDir]
  const child = Bun.spawn([process.execPath, main, ...args], {
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  return ((await child.stdout.text()) + (await child.stderr.text())).trim()
}

const activeJobId = async () => (await preamp.client.send(new GetBranchCommand(branch))).branch!.activeJobId

test('visitors see an earlier deployment at once, and later ones go on from there', async () => {
  expect(await rollback()).toContain('Branch feature/x has no earlier deployment. Start a job')
  for (const page of ['one', 'two', 'three']) expect(await publish(page)).toBe('SUCCEED')
  expect(await publish('never sent', false)).toBe('FAILED')

  expect(await rollback()).toBe('Job 2 is live.')
  expect(await visit()).toBe('two')
  expect(await activeJobId()).toBe('0000000002')
  expect(await rollback()).toBe('Job 1 is live.')
  expect(await rollback()).toContain('has no earlier deployment than job 1, which is live')
  expect(await rollback('3')).toBe('Job 3 is live.')
  expect(await visit()).toBe('three')

  const list = (await rollback('--list')).split('\n').map((line) => line.split(/ {2,}/)[0])
  expect(list).toEqual(['JOB', '3 (live)', '2', '1'])
  expect(await rollback('4')).toContain('Job 4 has no deployment: its status is FAILED')
  expect(await rollback('9')).toContain('Job 9 not found')

  expect(await rollback('1')).toBe('Job 1 is live.')
  expect(await publish('five')).toBe('SUCCEED')
  expect(await visit()).toBe('five')
})

test('the deployment of a deleted job cannot be chosen, and the site stays when the live one’s job is', async () => {
  await preamp.client.send(new DeleteJobCommand({ ...branch, jobId: '5' }))
  await preamp.client.send(new DeleteJobCommand({ ...branch, jobId: '3' }))
  expect(await visit()).toBe('five')
  expect(await rollback('3')).toContain('Job 3 not found')
  expect(await rollback()).toBe('Job 2 is live.')
  expect(await visit()).toBe('two')
})

test('without a name it never goes forward, also where the live one’s job was deleted', async () => {
  expect(await publish('six')).toBe('SUCCEED')
  expect(await rollback('2')).toBe('Job 2 is live.')
  await preamp.client.send(new DeleteJobCommand({ ...branch, jobId: '2' }))
  expect(await rollback()).toBe('Job 1 is live.')
  expect(await visit()).toBe('one')
})
