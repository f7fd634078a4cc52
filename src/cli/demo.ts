import {
  type AmplifyClient,
  CreateAppCommand,
  CreateBranchCommand,
  ListBranchesCommand,
  ListJobsCommand,
  paginateListApps,
  StartJobCommand,
} from '@aws-sdk/client-amplify'
import type { Command } from 'commander'

import { type RunningServer, startServer } from '../server.ts'
import { UsageError } from '../usage-error.ts'
import { clientFor, readCredentialsFile } from './amplify-client.ts'
import { announcement } from './announcement.ts'
import { makeExampleRepository } from './example-repository.ts'
import { failureOf, followJob, isFinished } from './follow-job.ts'
import { createLogger, untilSignal } from './run-server.ts'
import { addSettings, configOf } from './settings-options.ts'

const appName = 'night-sky'
const branchName = 'main'

/** `preamp demo`: the server, with an example site that it builds from a Git repository by a real job. */
export function register(program: Command): void {
  const command = program
    .command('demo')
    .description('Start the server, build and publish an example site, and go on serving.')
  addSettings(command).action(() => demo(command))
}

async function demo(command: Command): Promise<void> {
  const given = configOf(command)
  const isNodeGiven = process.env['PREAMP_DEFAULT_NODE'] || command.getOptionValue('defaultNode')
  // The example runs on any Node, and is to be up at once.
  const config = isNodeGiven ? given : { ...given, defaultNode: 'host' }
  let server: RunningServer | undefined
  const signal = untilSignal(() => server?.kill())
  // The build's log is what there is to see here; the server's own shows what goes wrong.
  const quiet =
    process.env['PREAMP_LOG_LEVEL'] || command.getOptionValue('logLevel') ? config.logLevel : 'warn'
  server = await startServer(config, createLogger(quiet))
  try {
    const credentials = readCredentialsFile(server.directory.credentials)
    const client = clientFor(server.apiUrl, config.region, credentials)
    const stopped = signal.then(() => undefined)
    const address = await Promise.race([deployExample(client, server), stopped])
    if (address !== undefined) {
      console.log(`\nThe site is up:\n\n  ${address}\n${announcement(server, config)}\nCtrl-C stops it.`)
      await stopped
    }
    console.log('Stopping …')
  } finally {
    await server.stop()
  }
}

/** Builds the example with a job of its own and returns the site's address. */
async function deployExample(client: AmplifyClient, server: RunningServer): Promise<string> {
  const repository = await makeExampleRepository(server.directory.path, appName)
  console.log(`Repository  ${repository}`)
  const appId = await findOrCreateApp(client, repository)
  const displayName = await findOrCreateBranch(client, appId)
  const jobId = await startOrFindJob(client, appId)
  console.log(`App         ${appName} (${appId}), branch ${branchName}, job ${jobId}\n`)
  const job = await followJob(client, { appId, branchName, jobId }, (text) => process.stdout.write(text))
  if (job.summary.status !== 'SUCCEED') {
    throw new UsageError(`The example's job ${job.summary.status}: ${failureOf(job)}`)
  }
  return server.sites.siteUrl(appId, displayName)
}

async function findOrCreateApp(client: AmplifyClient, repository: string): Promise<string> {
  for await (const page of paginateListApps({ client }, {})) {
    const app = page.apps?.find((each) => each.name === appName && each.repository === repository)
    if (app?.appId) return app.appId
  }
  const description = 'The example that preamp demo builds'
  const { app } = await client.send(new CreateAppCommand({ name: appName, description, repository }))
  return app!.appId!
}

async function findOrCreateBranch(client: AmplifyClient, appId: string): Promise<string> {
  const { branches } = await client.send(new ListBranchesCommand({ appId }))
  const existing = branches?.find((branch) => branch.branchName === branchName)
  const branch = existing ?? (await client.send(new CreateBranchCommand({ appId, branchName }))).branch
  return branch!.displayName!
}

/** A job that an earlier demo left unfinished is followed instead: a branch runs one at a time. */
async function startOrFindJob(client: AmplifyClient, appId: string): Promise<string> {
  const { jobSummaries } = await client.send(new ListJobsCommand({ appId, branchName, maxResults: 1 }))
  const newest = jobSummaries?.[0]
  if (newest?.jobId && !isFinished(newest.status)) return newest.jobId
  const { jobSummary } = await client.send(new StartJobCommand({ appId, branchName, jobType: 'RELEASE' }))
  return jobSummary!.jobId!
}
