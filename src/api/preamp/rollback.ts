import { z } from 'zod'

import { limits } from '../../model/limits.ts'
import { permanentLabel } from '../../model/permanent-address.ts'
import { findBranchOverviews } from '../../store/branch-overview.ts'
import type { Queries } from '../../store/database.ts'
import {
  activateDeployment,
  findDeployment,
  findDeploymentOfJob,
  forgetJoblessDeployments,
} from '../../store/deployments.ts'
import { type DeployedJob, listDeployedJobs } from '../../store/rollback.ts'
import type { BranchRow, JobRow } from '../../store/schema.ts'
import { branchResource } from '../authorization.ts'
import { BadRequestException } from '../errors.ts'
import { ownBranch, type OwnedBranch, ownJob } from '../look-up.ts'
import * as shape from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'

/** What a rollback answers, and what the list of those that are possible holds. */
export interface RollbackAnswer {
  /** The job whose deployment visitors see; null where nothing is live, or its job was deleted. */
  activeJobId: string | null
}

export interface RollbackList extends RollbackAnswer {
  /** Newest first. */
  jobs: {
    jobId: string
    commitId: string
    commitMessage: string
    /** In epoch seconds. */
    endTime: number
    files: number
    bytes: number
    /** Its permanent address. */
    url: string
  }[]
}

const path = '/_preamp/apps/{appId}/branches/{branchName}/rollback'
const input = z.strictObject({ jobId: shape.jobId.optional() })

/** The jobs whose deployments can be shown again at once. */
export const listRollbacks: SignedEndpoint = {
  method: 'GET',
  path,
  permission: (caller, members) => ({
    action: 'amplify:GetBranch',
    ...branchResource(caller, addressOf({ members })),
  }),
  async handle({ caller, services }, call): Promise<RollbackList> {
    const { queries } = services.database
    const { branch } = await ownBranch(queries, caller, addressOf(call))
    const deployed = await listDeployedJobs(queries, branch.branchId, { limit: limits.pageItemsMax })
    const view = ({ job, files, bytes }: DeployedJob): RollbackList['jobs'][number] => ({
      jobId: String(job.number),
      commitId: job.commitId ?? '',
      commitMessage: job.commitMessage ?? '',
      endTime: (job.endedAt ?? job.createdAt) / 1000,
      files,
      bytes,
      url: services.siteUrl(branch.appId, permanentLabel(branch.displayName, job.number)),
    })
    return { activeJobId: idOf(await activeNumber(queries, branch)), jobs: deployed.map(view) }
  },
}

/**
 * Shows visitors the deployment of an earlier job, without a build: the branch's pointer is moved, and the call is answered
 * when every edge has followed. Jobs go on as usual: the next one that ends shows its own.
 */
export const rollBack: SignedEndpoint = {
  method: 'POST',
  path,
  permission: (caller, members) => ({
    action: 'amplify:StartDeployment',
    ...branchResource(caller, addressOf({ members })),
  }),
  async handle({ caller, services }, call): Promise<RollbackAnswer> {
    const { jobId } = parseInput(input, call.sent) as z.output<typeof input>
    const address = addressOf(call)
    const chosen = await services.database.transaction(async (transaction) => {
      const owned = await ownBranch(transaction, caller, address)
      const job =
        jobId === undefined
          ? await jobBeforeActive(transaction, owned)
          : (await ownJob(transaction, caller, { ...address, jobId })).job
      const deployment = await findDeploymentOfJob(transaction, job.jobKey)
      if (!deployment || job.status !== 'SUCCEED') throw notKept(job)
      await activateDeployment(transaction, owned.branch.branchId, deployment.deploymentId, services.now())
      // Only now is the branch held against the retention, which may have been faster.
      if (!(await findDeployment(transaction, deployment.deploymentId))) throw notKept(job)
      return { job, branchId: owned.branch.branchId }
    })
    await services.sitesChanged()
    // What was live may be of a deleted job: it was kept for its visitors alone.
    await forgetJoblessDeployments(services.database.queries, chosen.branchId)
    return { activeJobId: String(chosen.job.number) }
  },
}

async function jobBeforeActive(queries: Queries, { branch }: OwnedBranch): Promise<JobRow> {
  const active = await activeNumber(queries, branch)
  const deployedBefore = active === undefined ? await activeSince(queries, branch) : undefined
  const [before] = await listDeployedJobs(queries, branch.branchId, {
    before: active,
    deployedBefore,
    limit: 1,
  })
  if (before) return before.job
  const than = active === undefined ? '' : ` than job ${active}, which is live`
  throw new BadRequestException(
    `Branch ${branch.name} has no earlier deployment${than}. Start a job, or name one of those that are kept.`,
  )
}

/** When what is live was deployed, whose job was deleted since; undefined where nothing is live. */
async function activeSince(queries: Queries, { activeDeploymentId }: BranchRow): Promise<number | undefined> {
  if (activeDeploymentId === null) return undefined
  return (await findDeployment(queries, activeDeploymentId))?.createdAt
}

async function activeNumber(queries: Queries, { branchId }: BranchRow): Promise<number | undefined> {
  return (await findBranchOverviews(queries, [branchId]))(branchId).activeJobNumber
}

function notKept(job: JobRow): BadRequestException {
  const reason =
    job.status === 'SUCCEED' ? 'has no deployment any more' : `has no deployment: its status is ${job.status}`
  return new BadRequestException(
    `Job ${job.number} ${reason}. \`preamp rollback <app> <branch> --list\` shows the jobs to choose from.`,
  )
}

const idOf = (number: number | undefined) => (number === undefined ? null : String(number))

const addressOf = ({ members }: Pick<EndpointCall, 'members'>) => ({
  appId: members['appId']!,
  branchName: members['branchName']!,
})
