import { type AmplifyClient, ListJobsCommand } from '@aws-sdk/client-amplify'
import type { Command } from 'commander'

import { UsageError } from '../usage-error.ts'
import {
  amplifyClient,
  apiUrlOf,
  clientDescriptions,
  clientSettings,
  explainApiError,
} from './amplify-client.ts'
import { failureOf, followJob, getJob, isFinished, printLog } from './follow-job.ts'
import { addSettings, configOf } from './settings-options.ts'

/** `preamp logs`: prints a job's log as far as it is written, or follows it until the job ends. */
export function register(program: Command): void {
  const command = program
    .command('logs')
    .description(
      'Print the log of a job as far as it is written. The exit code is 1 when the job failed or was stopped.',
    )
    .argument('<app-id>')
    .argument('<branch>')
    .argument('[job-id]', 'the newest job when left out')
    .option('-f, --follow', 'follow the log to the end of the job')
  addSettings(command, clientSettings, clientDescriptions).action(
    (appId: string, branchName: string, jobId: string | undefined, options: { follow?: true }) =>
      logs(command, { appId, branchName, jobId }, options.follow === true),
  )
}

async function logs(
  command: Command,
  { appId, branchName, jobId }: { appId: string; branchName: string; jobId: string | undefined },
  follow: boolean,
): Promise<void> {
  const config = configOf(command)
  const client = amplifyClient(config)
  try {
    const address = { appId, branchName, jobId: jobId ?? (await newestJob(client, appId, branchName)) }
    // Asked before the log is read, so that an end that is told is an end that was printed.
    const job = follow ? await followJob(client, address, print) : await getJob(client, address)
    if (!follow) await printLog(client, address, print)
    const { status } = job.summary
    console.error(`Job ${address.jobId}: ${status}`)
    if (status === 'SUCCEED' || !isFinished(status)) return
    console.error(failureOf(job))
    process.exitCode = 1
  } catch (error) {
    explainApiError(error, apiUrlOf(config, process.env))
  }
}

const print = (text: string): void => void process.stdout.write(text)

async function newestJob(client: AmplifyClient, appId: string, branchName: string): Promise<string> {
  const { jobSummaries } = await client.send(new ListJobsCommand({ appId, branchName, maxResults: 1 }))
  const jobId = jobSummaries?.[0]?.jobId
  if (!jobId) throw new UsageError(`Branch ${branchName} of app ${appId} has no job yet.`)
  return jobId
}
