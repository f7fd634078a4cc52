import { createHash } from 'node:crypto'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDeploymentCommand,
  type CustomRule,
  GetJobCommand,
  StartDeploymentCommand,
  UpdateAppCommand,
  type UpdateAppCommandInput,
  UpdateBranchCommand,
  type UpdateBranchCommandInput,
} from '@aws-sdk/client-amplify'

import { askEndpoint } from './call-endpoint.ts'
import type { TestPreamp } from './preamp.ts'
import { waitFor } from './wait-for.ts'

/** An app with a branch on a running server, whose site is published by hand and asked as a visitor would. */
export interface PublishedSite {
  appId: string
  branchName: string
  host: string
  /** @returns the number of the job */
  publish(files: Record<string, string>): Promise<string>
  updateApp(change: Omit<UpdateAppCommandInput, 'appId'>): Promise<void>
  updateBranch(change: Omit<UpdateBranchCommandInput, 'appId' | 'branchName'>): Promise<void>
  setRules(...rules: (CustomRule | [source: string, target: string, status: string])[]): Promise<void>
  setOptions(options: Record<string, unknown>): Promise<void>
  /** Redirects are not followed. */
  visit(path: string, init?: RequestInit): Promise<Response>
}

export async function createPublishedSite(preamp: TestPreamp): Promise<PublishedSite> {
  const { client, sitesUrl } = preamp
  const { app } = await client.send(new CreateAppCommand({ name: 'site' }))
  const branch = { appId: app!.appId!, branchName: 'main' }
  await client.send(new CreateBranchCommand(branch))
  const host = `main.${app!.defaultDomain!}`
  const site: PublishedSite = {
    ...branch,
    host,
    async publish(files) {
      const fileMap = Object.fromEntries(
        Object.entries(files).map(([path, text]) => [path, createHash('md5').update(text).digest('hex')]),
      )
      const created = await client.send(new CreateDeploymentCommand({ ...branch, fileMap }))
      const jobId = created.jobId!
      for (const [path, text] of Object.entries(files)) {
        await fetch(created.fileUploadUrls![path]!, { method: 'PUT', body: text })
      }
      await client.send(new StartDeploymentCommand({ ...branch, jobId }))
      await waitFor('the deployment to end', 30, async () => {
        const { job } = await client.send(new GetJobCommand({ ...branch, jobId }))
        if (job!.summary!.status === 'FAILED') throw new Error(JSON.stringify(job))
        return job!.summary!.status === 'SUCCEED'
      })
      return jobId
    },
    async updateApp(change) {
      await client.send(new UpdateAppCommand({ appId: branch.appId, ...change }))
    },
    async updateBranch(change) {
      await client.send(new UpdateBranchCommand({ ...branch, ...change }))
    },
    setRules: (...rules) =>
      site.updateApp({
        customRules: rules.map((rule) =>
          Array.isArray(rule) ? { source: rule[0], target: rule[1], status: rule[2] } : rule,
        ),
      }),
    async setOptions(options) {
      const answer = await askEndpoint(
        { url: preamp.apiUrl, key: preamp.credentials },
        'PUT',
        `/_preamp/apps/${branch.appId}/options`,
        options,
      )
      if (answer.status !== 200) throw new Error(JSON.stringify(answer))
    },
    visit: (path, init = {}) =>
      fetch(`${sitesUrl}${path}`, {
        redirect: 'manual',
        ...init,
        headers: { host, ...(init.headers as Record<string, string>) },
      }),
  }
  return site
}
