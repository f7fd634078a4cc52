import type { AmplifyClient } from '@aws-sdk/client-amplify'

import type { OperationName } from '../../src/api/operation.ts'
import { newId } from '../../src/model/ids.ts'
import type { TestApi } from './api.ts'
import { call, type Members } from './contract.ts'
import { artifactRow } from './rows.ts'

/** Makes what an operation needs, and gives an input with which it succeeds. */
type Prepare = (api: TestApi, client: AmplifyClient) => Promise<Members>

/** A domain of its own for each caller: a domain belongs to one app only. */
export const newDomainName = () => `${newId().slice(-12).toLowerCase()}.example`

async function app(_api: TestApi, client: AmplifyClient, members: Members = {}): Promise<Members> {
  const output = await call(client, 'CreateApp', { name: 'app', ...members })
  return { appId: (output['app'] as Members)['appId'] }
}

async function branch(api: TestApi, client: AmplifyClient, members: Members = {}): Promise<Members> {
  const { appId } = await app(api, client, members)
  await call(client, 'CreateBranch', { appId, branchName: 'main' })
  return { appId, branchName: 'main' }
}

/** A job of CreateDeployment that waits for its upload. */
async function job(api: TestApi, client: AmplifyClient): Promise<Members> {
  const owner = await branch(api, client)
  const { jobId } = await call(client, 'CreateDeployment', owner)
  return { ...owner, jobId }
}

async function artifact(api: TestApi, client: AmplifyClient): Promise<Members> {
  const { appId } = await job(api, client)
  const { queries } = api.services.database
  const { jobKey } = await queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .select('jobs.jobKey')
    .where('branches.appId', '=', String(appId))
    .executeTakeFirstOrThrow()
  const { sha, size } = await api.services.blobs.put('log')
  const row = artifactRow(jobKey, 'log.txt', { sha, bytes: size })
  await queries.insertInto('artifacts').values(row).execute()
  return { artifactId: row.artifactId }
}

async function domain(api: TestApi, client: AmplifyClient): Promise<Members> {
  const { appId } = await branch(api, client)
  const domainName = newDomainName()
  await call(client, 'CreateDomainAssociation', { appId, domainName, subDomainSettings: rootOfMain })
  return { appId, domainName }
}

async function webhook(api: TestApi, client: AmplifyClient): Promise<Members> {
  const owner = await branch(api, client)
  const output = await call(client, 'CreateWebhook', owner)
  return { webhookId: (output['webhook'] as Members)['webhookId'] }
}

async function backendEnvironment(api: TestApi, client: AmplifyClient): Promise<Members> {
  const { appId } = await app(api, client)
  await call(client, 'CreateBackendEnvironment', { appId, environmentName: 'dev' })
  return { appId, environmentName: 'dev' }
}

const appWithTags =
  (tags: Members): Prepare =>
  async (_api, client) => {
    const output = await call(client, 'CreateApp', { name: 'app', tags })
    return { resourceArn: (output['app'] as Members)['appArn'] }
  }

async function onlyApp(api: TestApi, client: AmplifyClient): Promise<Members> {
  const { appId } = await branch(api, client)
  return { appId }
}

const rootOfMain = [{ prefix: '', branchName: 'main' }]

const withMembers =
  (prepare: Prepare, members: Members | (() => Members)): Prepare =>
  async (api, client) => ({
    ...(await prepare(api, client)),
    ...(typeof members === 'function' ? members() : members),
  })

const nothing: Prepare = async () => ({})
const connectedBranch: Prepare = (api, client) =>
  branch(api, client, { repository: 'https://git.example/site.git' })

const prepareInput: Record<OperationName, Prepare> = {
  CreateApp: withMembers(nothing, { name: 'app' }),
  GetApp: app,
  ListApps: nothing,
  UpdateApp: app,
  DeleteApp: app,
  CreateBranch: withMembers(app, { branchName: 'main' }),
  GetBranch: branch,
  ListBranches: onlyApp,
  UpdateBranch: branch,
  DeleteBranch: branch,
  StartJob: withMembers(connectedBranch, { jobType: 'RELEASE' }),
  GetJob: job,
  ListJobs: branch,
  StopJob: job,
  DeleteJob: job,
  CreateDeployment: branch,
  StartDeployment: job,
  ListArtifacts: job,
  GetArtifactUrl: artifact,
  CreateDomainAssociation: withMembers(onlyApp, () => ({
    domainName: newDomainName(),
    subDomainSettings: rootOfMain,
  })),
  GetDomainAssociation: domain,
  ListDomainAssociations: onlyApp,
  UpdateDomainAssociation: domain,
  DeleteDomainAssociation: domain,
  CreateWebhook: branch,
  GetWebhook: webhook,
  ListWebhooks: onlyApp,
  UpdateWebhook: webhook,
  DeleteWebhook: webhook,
  CreateBackendEnvironment: withMembers(app, { environmentName: 'dev' }),
  GetBackendEnvironment: backendEnvironment,
  ListBackendEnvironments: app,
  DeleteBackendEnvironment: backendEnvironment,
  TagResource: withMembers(appWithTags({}), { tags: { team: 'web' } }),
  UntagResource: withMembers(appWithTags({ team: 'web' }), { tagKeys: ['team'] }),
  ListTagsForResource: appWithTags({ team: 'web' }),
  GenerateAccessLogs: async (api, client) => {
    const { appId } = await branch(api, client)
    return { appId, domainName: `main.${appId}.localhost` }
  },
}

/** What an operation needs is made, for it alone; with the input that is answered it succeeds. */
export const inputFor = (api: TestApi, name: OperationName, client = api.client()): Promise<Members> =>
  prepareInput[name](api, client)

/** Names of resources that are nowhere, in the form of those that are. */
export const nowhere: Members = {
  appId: 'dnowhere',
  branchName: 'nowhere',
  jobId: '99',
  artifactId: 'artifact-nowhere',
  webhookId: 'webhook-nowhere',
  domainName: 'nowhere.example',
  environmentName: 'nowhere',
  resourceArn: 'arn:aws:amplify:us-east-1:000000000000:apps/dnowhere',
}
