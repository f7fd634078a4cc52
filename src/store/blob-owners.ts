import type { Queries } from './database.ts'

/** A row that refers to a blob, named as its user knows it. */
export interface BlobOwner {
  sha: string
  kind: 'manifest' | 'log' | 'artifact' | 'upload'
  /** A step, an artifact's file name, an upload's path; empty for manifests. */
  name: string
  appId: string
  branchName: string
  /** Undefined for the deployment of a job that has been deleted. */
  jobNumber: number | undefined
  /** Whether visitors see it now. */
  isLive: boolean
}

/** Every reference from a row to a blob. What a manifest refers to belongs to the owner of the manifest. */
export async function listBlobOwners(queries: Queries): Promise<BlobOwner[]> {
  const deployments = await queries
    .selectFrom('deployments')
    .innerJoin('branches', 'branches.branchId', 'deployments.branchId')
    .leftJoin('jobs', 'jobs.jobKey', 'deployments.jobKey')
    .select([
      'deployments.deploymentId',
      'deployments.manifestSha',
      'branches.activeDeploymentId',
      'branches.appId',
      'branches.name',
      'jobs.number',
    ])
    .execute()
  const ofJobs = queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .select(['branches.appId', 'branches.name as branchName', 'jobs.number'])
  const logs = await ofJobs
    .innerJoin('steps', 'steps.jobKey', 'jobs.jobKey')
    .select(['steps.logSha as sha', 'steps.name as name'])
    .where('steps.logSha', 'is not', null)
    .execute()
  const artifacts = await ofJobs
    .innerJoin('artifacts', 'artifacts.jobKey', 'jobs.jobKey')
    .select(['artifacts.sha as sha', 'artifacts.fileName as name'])
    .execute()
  const uploads = await ofJobs
    .innerJoin('uploads', 'uploads.jobKey', 'jobs.jobKey')
    .select(['uploads.sha as sha', 'uploads.name as name'])
    .where('uploads.sha', 'is not', null)
    .execute()
  const owner =
    (kind: BlobOwner['kind']) =>
    ({ number, sha, ...row }: (typeof logs | typeof uploads)[number]): BlobOwner => ({
      ...row,
      sha: sha!,
      kind,
      jobNumber: number,
      isLive: false,
    })
  return [
    ...deployments.map((row): BlobOwner => ({
      sha: row.manifestSha,
      kind: 'manifest',
      name: '',
      appId: row.appId,
      branchName: row.name,
      jobNumber: row.number ?? undefined,
      isLive: row.activeDeploymentId === row.deploymentId,
    })),
    ...logs.map(owner('log')),
    ...artifacts.map(owner('artifact')),
    ...uploads.map(owner('upload')),
  ]
}
