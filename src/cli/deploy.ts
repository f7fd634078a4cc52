import { basename, resolve } from 'node:path'

import {
  type AmplifyClient,
  type App,
  type Branch,
  CreateAppCommand,
  CreateBranchCommand,
  GetAppCommand,
  GetBranchCommand,
  paginateListApps,
  StartDeploymentCommand,
} from '@aws-sdk/client-amplify'
import type { Command } from 'commander'

import type { Config } from '../config.ts'
import { permanentLabel } from '../model/permanent-address.ts'
import { UsageError } from '../usage-error.ts'
import {
  amplifyClient,
  apiUrlOf,
  clientDescriptions,
  clientSettings,
  explainApiError,
} from './amplify-client.ts'
import { listFiles } from './deploy-files.ts'
import { uploadFiles } from './deploy-upload.ts'
import { failureOf, followJob } from './follow-job.ts'
import { Progress } from './progress.ts'
import { formatBytes, plural } from './quantities.ts'
import { addSettings, configOf } from './settings-options.ts'
import { siteUrl } from './site-url.ts'

interface DeployOptions {
  app?: string
  appId?: string
  branch: string
}

/** `preamp deploy`: a folder becomes a site. */
export function register(program: Command): void {
  const command = program
    .command('deploy')
    .description(
      'Publish a folder as a site: makes app and branch where needed, uploads changed files, waits.',
    )
    .argument('[dir]', 'the folder to publish', '.')
    .option('--app <name>', 'name of the app (default: name of the folder)')
    .option('--app-id <id>', 'id of the app, where several have the same name')
    .option('--branch <name>', 'branch of the app', 'main')
  addSettings(command, [...clientSettings, 'sitesUrl'], clientDescriptions).action(
    (dir: string, options: DeployOptions) => deploy(command, resolve(dir), options),
  )
}

async function deploy(command: Command, folder: string, options: DeployOptions): Promise<void> {
  const config = configOf(command)
  const files = listFiles(folder)
  const client = amplifyClient(config)
  try {
    const app = await findOrCreateApp(client, options.appId, options.app ?? basename(folder))
    const branch = await findOrCreateBranch(client, app, options.branch)
    await publish(client, app, branch, files, config)
  } catch (error) {
    explainApiError(error, apiUrlOf(config, process.env))
  }
}

async function publish(
  client: AmplifyClient,
  app: App,
  branch: Branch,
  files: ReturnType<typeof listFiles>,
  config: Config,
): Promise<void> {
  const address = { appId: app.appId!, branchName: branch.branchName! }
  if (!files.some(({ name }) => name === 'index.html')) {
    console.error('There is no index.html at the top of the folder: the address of the site will answer 404.')
  }
  const progress = new Progress(`Uploading ${plural(files.length, 'file')}`, files.length)
  const { jobId, filesSent, bytesSent } = await uploadFiles(client, address, files, (done) =>
    progress.show(done),
  )
  progress.end(`${filesSent} of ${plural(files.length, 'file')} sent, ${formatBytes(bytesSent)}`)
  await client.send(new StartDeploymentCommand({ ...address, jobId }))
  const job = await followJob(client, { ...address, jobId }, () => {})
  if (job.summary.status !== 'SUCCEED')
    throw new UsageError(`Job ${jobId} ${job.summary.status}: ${failureOf(job)}`)
  const permanent = { displayName: permanentLabel(branch.displayName!, Number(jobId)) }
  console.error(`This deployment stays at ${siteUrl(app, permanent, config)} as long as it is kept.`)
  console.log(siteUrl(app, branch, config))
}

async function findOrCreateApp(client: AmplifyClient, appId: string | undefined, name: string): Promise<App> {
  if (appId !== undefined) return given((await client.send(new GetAppCommand({ appId }))).app)
  const found: App[] = []
  for await (const page of paginateListApps({ client }, {})) {
    found.push(...(page.apps ?? []).filter((app) => app.name === name))
  }
  if (found.length > 1) {
    const ids = found.map((app) => app.appId).join(', ')
    throw new UsageError(`${found.length} apps are called ${name}: ${ids}. Choose one with --app-id.`)
  }
  if (found[0]) return found[0]
  const app = given((await client.send(new CreateAppCommand({ name }))).app)
  console.error(`Created app ${app.name} (${app.appId}).`)
  return app
}

async function findOrCreateBranch(client: AmplifyClient, app: App, branchName: string): Promise<Branch> {
  const { appId } = app
  try {
    return given((await client.send(new GetBranchCommand({ appId, branchName }))).branch)
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'NotFoundException') throw error
  }
  const branch = given((await client.send(new CreateBranchCommand({ appId, branchName }))).branch)
  console.error(`Created branch ${branchName}.`)
  return branch
}

function given<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The server answered without the resource that was asked for')
  return value
}
