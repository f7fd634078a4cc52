import type { AmplifyClient } from '@aws-sdk/client-amplify'

import type { OperationName } from '../../../src/api/operation.ts'
import type { KeyPair } from '../../../src/first-key.ts'
import type { TestApi } from '../api.ts'
import { call, type Members } from '../contract.ts'
import { newDomainName } from '../operation-inputs.ts'

/** An account with resources, of which a marker is a part that no answer to anybody else may hold. */
export interface Tenant {
  key: KeyPair
  marker: string
  /** Ids and names of what the account has, by the members that name them. */
  names: Readonly<Record<string, string>>
  /** Signed URLs of its uploads and logs and of its webhook, which need no key. */
  openTargets: readonly string[]
  kind: TenantKind
}

/** Whether its app builds a repository or takes uploads; AWS has no app that does both. */
export type TenantKind = 'connected' | 'manual'

/** Makes an account with one of everything. */
export async function newTenant(api: TestApi, accountId: string, kind: TenantKind): Promise<Tenant> {
  const key = await api.createKey({ accountId })
  return furnish(api, { key, kind, marker: `marker-of-${accountId}` })
}

/** The account anew: what the fuzzer has changed or added is deleted. */
export async function renewTenant(api: TestApi, tenant: Tenant): Promise<Tenant> {
  const client = api.client(tenant.key)
  for (;;) {
    const { apps } = (await call(client, 'ListApps', { maxResults: 100 })) as { apps: { appId: string }[] }
    if (apps.length === 0) return furnish(api, tenant)
    for (const { appId } of apps) await call(client, 'DeleteApp', { appId })
  }
}

async function furnish(
  api: TestApi,
  { key, kind, marker }: Pick<Tenant, 'key' | 'kind' | 'marker'>,
): Promise<Tenant> {
  const client = api.client(key)
  const made = async (name: OperationName, input: Members) =>
    (await call(client, name, input)) as Record<string, Record<string, string>>
  const { app } = await made('CreateApp', {
    name: marker,
    description: marker,
    ...(kind === 'connected' && { repository: 'https://git.example/site.git' }),
    environmentVariables: { SECRET: marker },
    tags: { owner: marker },
  })
  const { appId, appArn } = app as { appId: string; appArn: string }
  const branchName = 'main'
  await made('CreateBranch', { appId, branchName, description: marker, environmentVariables: { A: marker } })
  const { webhook } = await made('CreateWebhook', { appId, branchName, description: marker })
  const domainName = newDomainName()
  await made('CreateDomainAssociation', {
    appId,
    domainName,
    enableAutoSubDomain: true,
    autoSubDomainCreationPatterns: [marker],
    subDomainSettings: [{ prefix: 'www', branchName }],
  })
  await made('CreateBackendEnvironment', { appId, environmentName: 'dev', stackName: marker })
  const { jobId, uploads } = await newJob(client, kind, { appId, branchName })
  await made('CreateBranch', { appId, branchName: 'other' })
  const { job } = await made('GetJob', { appId, branchName, jobId })
  const steps = (job as unknown as { steps: { logUrl?: string }[] }).steps
  const urls = [...uploads, webhook!['webhookUrl']!, ...steps.flatMap(({ logUrl }) => logUrl ?? [])]
  return {
    key,
    kind,
    marker,
    names: {
      appId,
      branchName,
      jobId,
      domainName,
      environmentName: 'dev',
      resourceArn: appArn,
      webhookId: webhook!['webhookId']!,
      artifactId: `${jobId}/log`,
    },
    openTargets: urls.map((url) => url.slice(new URL(url).origin.length)),
  }
}

async function newJob(
  client: AmplifyClient,
  kind: TenantKind,
  branch: Members,
): Promise<{ jobId: string; uploads: string[] }> {
  if (kind === 'manual') {
    const { jobId, zipUploadUrl } = await call(client, 'CreateDeployment', branch)
    return { jobId: String(jobId), uploads: [String(zipUploadUrl)] }
  }
  const { jobSummary } = await call(client, 'StartJob', { ...branch, jobType: 'RELEASE' })
  return { jobId: String((jobSummary as Members)['jobId']), uploads: [] }
}
