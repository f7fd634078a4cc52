import { type AmplifyClient, ListJobsCommand } from '@aws-sdk/client-amplify'
import type { Command } from 'commander'

import { UsageError } from '../config.ts'
import {
  amplifyClient,
  apiUrlOf,
  clientDescriptions,
  clientSettings,
  explainApiError,
} from './amplify-client.ts'
import { failureOf, followJob } from './follow-job.ts'
import { addSettings, configOf } from './settings-options.ts'

/** `preamp logs`: prints a job's log and follows it until the job ends. */
export function register(program: Command): void {
  const command = program
    .command('logs')
    .description(
      'Print the log of a job and follow it to its end. The exit code is 0 when the job succeeded.',
    )
    .argument('<app-id>')
    .argument('<branch>')
    .argument('[job-id]', 'the newest job when left out')
  addSettings(command, clientSettings, clientDescriptions).action(
    (appId: string, branchName: string, jobId?: string) => logs(command, appId, branchName, jobId),
  )
}

async function logs(command: Command, appId: string, branchName: string, jobId?: string): Promise<void> {
  const config = configOf(command)
  const client = amplifyClient(config)
  try {
    const address = { appId, branchName, jobId: jobId ?? (await newestJob(client, appId, branchName)) }
    const job = await followJob(client, address, (text) => process.stdout.write(text))
    const { status } = job.summary
    console.error(`Job ${address.jobId}: ${status}`)
    if (status === 'SUCCEED') return
    console.error(failureOf(job))
    process.exitCode = 1
  } catch (error) {
    explainApiError(error, apiUrlOf(config, process.env))
  }
}

async function newestJob(client: AmplifyClient, appId: string, branchName: string): Promise<string> {
  const { jobSummaries } = await client.send(new ListJobsCommand({ appId, branchName, maxResults: 1 }))
  const jobId = jobSummaries?.[0]?.jobId
  if (!jobId) throw new UsageError(`Branch ${branchName} of app ${appId} has no job yet.`)
  return jobId
}
