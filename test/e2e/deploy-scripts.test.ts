import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  GetJobCommand,
  ListJobsCommand,
  paginateListApps,
  paginateListBranches,
  paginateListJobs,
  StartDeploymentCommand,
} from '@aws-sdk/client-amplify'

import { awsEnvironment } from '../support/aws-programs.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { findProgram, requires } from '../support/requires.ts'
import { runProgram } from '../support/run-program.ts'
import { waitFor } from '../support/wait-for.ts'
import { zipOf } from '../support/zip-writer.ts'

const scripts = join(import.meta.dir, '../fixtures/clients')

/** The ways in which people publish to Amplify by hand, with nothing changed but the endpoint. */
const zip = (content: string) => zipOf([{ name: 'index.html', content }])

describe('scripts for manual deployments', () => {
  let preamp: TestPreamp
  let folder: string
  let appId: string
  let host: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-deploy-scripts-'))
    preamp = await startPreamp()
    const { app } = await preamp.client.send(new CreateAppCommand({ name: 'manual' }))
    appId = app!.appId!
    host = `main.${app!.defaultDomain}`
    await preamp.client.send(new CreateBranchCommand({ appId, branchName: 'main' }))
  }, 60_000)
  afterAll(async () => {
    await preamp?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function page(path = '/'): Promise<string> {
    const response = await fetch(`${preamp.sitesUrl}${path}`, { headers: { host } })
    return await response.text()
  }

  test.if(requires('aws', 'curl'))(
    'bash: create-deployment, curl -T, start-deployment, get-job until it ended; an abandoned one before is stopped',
    async () => {
      const abandoned = await preamp.client.send(new CreateDeploymentCommand({ appId, branchName: 'main' }))
      await Bun.write(join(folder, 'site.zip'), zip('by bash'))
      const output = await runProgram(
        ['bash', join(scripts, 'deploy.sh'), appId, 'main', join(folder, 'site.zip')],
        {
          env: {
            ...awsEnvironment(preamp.credentials, folder),
            AWS: findProgram('aws')!,
            AWS_ENDPOINT_URL: preamp.apiUrl,
          },
        },
      )
      expect(output).toContain(`Job ${Number(abandoned.jobId) + 1}: SUCCEED`)
      expect(await page()).toBe('by bash')
    },
    120_000,
  )

  test.if(requires('boto3'))(
    'boto3: a fileMap with MD5, one PUT for each file',
    async () => {
      const site = join(folder, 'site/assets')
      mkdirSync(site, { recursive: true })
      writeFileSync(join(folder, 'site/index.html'), 'by boto3')
      writeFileSync(join(site, 'ü b.css'), 'body {}')
      const output = await runProgram(
        [
          findProgram('boto3')!,
          join(scripts, 'deploy.py'),
          preamp.apiUrl,
          appId,
          'main',
          join(folder, 'site'),
        ],
        { env: awsEnvironment(preamp.credentials, folder) },
      )
      expect(output).toMatch(/^Job \d+: SUCCEED\nDEPLOY SUCCEED .+\nVERIFY SUCCEED .+\n$/)
      expect(await page()).toBe('by boto3')
      expect(await page('/assets/%C3%BC%20b.css')).toBe('body {}')
    },
    60_000,
  )

  test('the JavaScript SDK: app and branch found by paginators, a poll, the newest job by a paginator', async () => {
    const { client } = preamp
    const found: string[] = []
    for await (const { apps } of paginateListApps({ client, pageSize: 1 }, {})) {
      for (const app of apps!) if (app.name === 'manual') found.push(app.appId!)
    }
    expect(found).toEqual([appId])
    const branches: string[] = []
    for await (const answer of paginateListBranches({ client }, { appId })) {
      branches.push(...answer.branches!.map((branch) => branch.branchName!))
    }
    expect(branches).toEqual(['main'])

    const { jobId, zipUploadUrl } = await client.send(
      new CreateDeploymentCommand({ appId, branchName: 'main' }),
    )
    const upload = await fetch(zipUploadUrl!, { method: 'PUT', body: zip('by JavaScript') })
    expect(upload.ok).toBe(true)
    await client.send(new StartDeploymentCommand({ appId, branchName: 'main', jobId }))
    expect(await endedJob(jobId!)).toBe('SUCCEED')
    expect(await page()).toBe('by JavaScript')

    const jobs: string[] = []
    for await (const answer of paginateListJobs({ client, pageSize: 2 }, { appId, branchName: 'main' })) {
      jobs.push(...answer.jobSummaries!.map((job) => job.jobId!))
    }
    expect(jobs[0]).toBe(jobId)
    expect(jobs).toEqual(jobs.toSorted((one, other) => Number(other) - Number(one)))
  }, 60_000)

  test('the AWS CDK: the newest job is not pending, a source URL, GetJob until it ended (contract §12)', async () => {
    const archive = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => new Response(zip('by the CDK'), { headers: { 'content-type': 'application/zip' } }),
    })
    try {
      const { client } = preamp
      const newest = await client.send(new ListJobsCommand({ appId, branchName: 'main', maxResults: 1 }))
      expect(newest.jobSummaries!.length).toBeLessThanOrEqual(1)
      expect(newest.jobSummaries!.some(({ status }) => status === 'PENDING')).toBe(false)
      const sourceUrl = `http://127.0.0.1:${archive.port}/asset.zip?X-Amz-Signature=abc`
      const { jobSummary } = await client.send(
        new StartDeploymentCommand({ appId, branchName: 'main', sourceUrl }),
      )
      expect(jobSummary).toMatchObject({ status: 'PENDING', sourceUrl })
      expect(await endedJob(jobSummary!.jobId!)).toBe('SUCCEED')
      expect(await page()).toBe('by the CDK')
    } finally {
      await archive.stop(true)
    }
  }, 60_000)

  const endedJob = (jobId: string) =>
    waitFor(`job ${jobId} to end`, 60, async () => {
      const { job } = await preamp.client.send(new GetJobCommand({ appId, branchName: 'main', jobId }))
      const status = job!.summary!.status!
      return ['SUCCEED', 'FAILED', 'CANCELLED'].includes(status) && status
    })
})
