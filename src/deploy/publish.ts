import type { Blobs } from '../blobs/blobs.ts'
import { type Manifest, manifestBytes } from '../model/manifest.ts'
import { findBranchById } from '../store/branches.ts'
import type { Database } from '../store/database.ts'
import {
  activateDeployment,
  deactivateDeployment,
  findDeployment,
  forgetJoblessDeployments,
  insertDeployment,
} from '../store/deployments.ts'
import { changeJob } from '../store/jobs.ts'
import type { DeploymentRow, JobRow } from '../store/schema.ts'

/** The job was stopped or deleted before its deployment became visible: visitors see what they saw before. */
export class JobNotRunning extends Error {}

export interface Published {
  deployment: DeploymentRow
  /** What was live before, for {@link withdraw}: null for nothing. */
  previousDeploymentId: string | null
}

/**
 * Makes a manifest the job's deployment and shows it to visitors. Its blobs are stored already; the manifest is stored
 * here, and then one transaction does the rest, if the job is still RUNNING.
 * A job that was published before its server died keeps the deployment it has: deployments never change.
 * @param options.now epoch milliseconds
 * @throws {JobNotRunning}
 */
export async function publish(options: {
  database: Database
  blobs: Blobs
  job: Pick<JobRow, 'jobKey' | 'branchId' | 'deploymentId'>
  manifest: Manifest
  now: number
}): Promise<Published> {
  const { database, blobs, job, manifest, now } = options
  const { sha } = await blobs.put(JSON.stringify(manifest))
  const made = {
    deploymentId: job.deploymentId,
    branchId: job.branchId,
    jobKey: job.jobKey,
    manifestSha: sha,
    files: Object.keys(manifest.files).length,
    bytes: manifestBytes(manifest),
    createdAt: now,
    replacedAt: null,
  }
  return database.transaction(async (transaction) => {
    // A change that changes nothing: it holds the row against StopJob until the commit, on PostgreSQL too.
    const running = await changeJob(transaction, job.jobKey, ['RUNNING'], { status: 'RUNNING' })
    const branch = await findBranchById(transaction, job.branchId)
    if (!running || !branch) throw new JobNotRunning('The job was stopped or deleted before it was published')
    const deployment = { ...made, skewProtected: branch.settings.enableSkewProtection ?? false }
    const earlier = await findDeployment(transaction, deployment.deploymentId)
    if (earlier && branch.activeDeploymentId === earlier.deploymentId) {
      return { deployment: earlier, previousDeploymentId: earlier.deploymentId }
    }
    if (!earlier) await insertDeployment(transaction, deployment)
    await activateDeployment(transaction, branch.branchId, deployment.deploymentId, now)
    return { deployment: earlier ?? deployment, previousDeploymentId: branch.activeDeploymentId }
  })
}

/**
 * Puts back what visitors saw before, when a deployment turns out bad after it became visible (step VERIFY), and forgets
 * it. False when that cannot be done: another deployment is live meanwhile, or the earlier one was deleted; then visitors
 * go on seeing what they see.
 */
export async function withdraw(database: Database, published: Published, now: number): Promise<boolean> {
  const { deployment, previousDeploymentId } = published
  if (previousDeploymentId === deployment.deploymentId) return false
  return database.transaction((transaction) =>
    deactivateDeployment(
      transaction,
      deployment.branchId,
      deployment.deploymentId,
      previousDeploymentId,
      now,
    ),
  )
}

/** Ends a publication for good: what was live before is forgotten if its job has been deleted. */
export async function settle(database: Database, published: Published): Promise<void> {
  await forgetJoblessDeployments(database.queries, published.deployment.branchId)
}
