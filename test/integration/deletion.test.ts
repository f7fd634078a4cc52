import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  DeleteAppCommand,
  DeleteBranchCommand,
  DeleteJobCommand,
  GetBranchCommand,
  GetJobCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-amplify'

import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { waitFor } from '../support/wait-for.ts'

/** What visitors see of what is deleted, through a whole server with two edges. */

let preamp: TestPreamp
beforeAll(async () => {
  preamp = await startPreamp({ environment: { PREAMP_EDGE_PROCESSES: '2' } })
})
afterAll(() => preamp.stop())

interface Site {
  appId: string
  branchName: string
  jobId: string
  host: string
}

async function publish(text: string): Promise<Site> {
  const { client, sitesUrl } = preamp
  const { app } = await client.send(new CreateAppCommand({ name: 'short-lived' }))
  const branch = { appId: app!.appId!, branchName: 'main' }
  await client.send(new CreateBranchCommand(branch))
  const fileMap = { 'index.html': createHash('md5').update(text).digest('hex') }
  const { jobId, fileUploadUrls } = await client.send(new CreateDeploymentCommand({ ...branch, fileMap }))
  await fetch(fileUploadUrls!['index.html']!, { method: 'PUT', body: text })
  await client.send(new StartDeploymentCommand({ ...branch, jobId }))
  await waitFor('the deployment to succeed', 30, async () => {
    const { job } = await client.send(new GetJobCommand({ ...branch, jobId: jobId! }))
    return job!.summary!.status === 'SUCCEED'
  })
  return { ...branch, jobId: jobId!, host: `main.${app!.appId}.${new URL(sitesUrl).host}` }
}

/** The statuses of many visits at once, each on a connection of its own, so that both edges are asked. */
async function visit({ host }: Site): Promise<number[]> {
  const visits = Array.from({ length: 20 }, async () => {
    const response = await fetch(preamp.sitesUrl, { headers: { host, connection: 'close' } })
    return response.status
  })
  return [...new Set(await Promise.all(visits))]
}

test.each([
  ['app', (site: Site) => preamp.client.send(new DeleteAppCommand(site))],
  ['branch', (site: Site) => preamp.client.send(new DeleteBranchCommand(site))],
])('when the deletion of the %s is answered, its site is down on every edge', async (_name, remove) => {
  const site = await publish('here today')
  expect(await visit(site)).toEqual([200])
  await remove(site)
  expect(await visit(site)).toEqual([404])
})

test('the site stays up when the job that published it is deleted', async () => {
  const site = await publish('here to stay')
  const { jobSummary } = await preamp.client.send(new DeleteJobCommand(site))
  expect(jobSummary).toMatchObject({ jobId: site.jobId, status: 'SUCCEED', jobType: 'MANUAL' })
  expect(await visit(site)).toEqual([200])
  const { branch } = await preamp.client.send(new GetBranchCommand(site))
  expect(branch!.activeJobId).toBe('')
})
