import { z } from 'zod'

import { jobActions, jobCan, runningStatuses, waitingStatuses } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { findTestConfig, listTestArtifacts } from '../store/artifacts.ts'
import type { Queries, Transaction } from '../store/database.ts'
import { findDeploymentOfJob } from '../store/deployments.ts'
import {
  changeJob,
  deleteJob as deleteJobRows,
  findJobByKey,
  listJobs as listJobRows,
} from '../store/jobs.ts'
import { notifyOfEnd } from '../store/notification-deliveries.ts'
import type { JobRow, StepRow } from '../store/schema.ts'
import { listSteps } from '../store/steps.ts'
import type { Caller } from './context.ts'
import { BadRequestException, LimitExceededException } from './errors.ts'
import { viewJob, viewJobSummary } from './job-view.ts'
import { jobNotFound, ownBranch, ownJob } from './look-up.ts'
import { addJob, type JobOrigin, refuseUnconnected } from './new-job.ts'
import { operation } from './operation.ts'
import { pageTokens, takePage } from './pagination.ts'
import * as shape from './schema.ts'
import type { TestResults } from './test-view.ts'

/** `commitId` is ignored, as on AWS (contract/api-behaviour.md §4): what is built is the head of the branch. */
export const startJob = operation('StartJob', {
  input: z.object({
    ...shape.branchAddress,
    jobId: shape.jobId.optional(),
    jobType: shape.jobType,
    jobReason: shape.jobReason.optional(),
    commitId: shape.commitId.optional(),
    commitMessage: shape.commitMessage.optional(),
    commitTime: shape.timestamp.optional(),
  }),
  async handle({ caller, services }, input) {
    if (input.jobType === 'MANUAL') {
      throw new BadRequestException('The requested jobType MANUAL does not support.')
    }
    const owned = await addJob(services.database, {
      async plan(transaction) {
        const { app, branch } = await ownBranch(transaction, caller, input)
        refuseUnconnected(app)
        const origin =
          input.jobType === 'RETRY'
            ? await retryOrigin(transaction, caller, input)
            : {
                commitMessage: input.commitMessage ?? null,
                commitTime: input.commitTime?.getTime() ?? null,
              }
        const createdAt = services.now()
        return { app, branch, origin: { ...origin, type: input.jobType, status: 'PENDING', createdAt } }
      },
      busy: ({ branch }) =>
        new LimitExceededException(
          `The requested branch ${branch.name} already have pending or running jobs`,
        ),
    })
    services.jobsChanged()
    return { jobSummary: viewJobSummary(owned) }
  },
})

/** The recorded commit of the job to run again. One that failed before its checkout has none: the head is built. */
async function retryOrigin(
  queries: Queries,
  caller: Caller,
  { jobId, ...input }: { appId: string; branchName: string; jobId?: string | undefined },
): Promise<Pick<JobOrigin, 'commitId' | 'commitMessage' | 'commitTime'>> {
  if (jobId === undefined) throw new BadRequestException('Must specify jobId for a job of the type RETRY.')
  const { job } = await ownJob(queries, caller, { ...input, jobId })
  if (job.type === 'MANUAL') {
    throw new BadRequestException(
      `Job ${job.number} is a manual deployment: it has no commit to build again.`,
    )
  }
  const { commitId, commitMessage, commitTime } = job
  return { commitId, commitMessage, commitTime }
}

export const getJob = operation('GetJob', {
  input: z.object(shape.jobAddress),
  async handle(context, input) {
    const { queries } = context.services.database
    const owned = await ownJob(queries, context.caller, input)
    const steps = await listSteps(queries, owned.job.jobKey)
    const deployment = await findDeploymentOfJob(queries, owned.job.jobKey)
    const tests = await testResults(queries, owned.job.jobKey, steps)
    return { job: viewJob(context, owned, steps, { hasOutput: deployment !== undefined, tests }) }
  },
})

async function testResults(
  queries: Queries,
  jobKey: string,
  steps: StepRow[],
): Promise<TestResults | undefined> {
  if (!steps.some(({ name }) => name === 'TEST')) return undefined
  const files = await listTestArtifacts(queries, jobKey, { limit: limits.testArtifactsMax + 1 })
  return { files, config: await findTestConfig(queries, jobKey) }
}

const tokens = pageTokens('ListJobs', z.object({ before: z.int() }))

export const listJobs = operation('ListJobs', {
  input: z.object({ ...shape.branchAddress, nextToken: shape.nextToken, maxResults: shape.maxResults }),
  async handle({ caller, services }, { nextToken, maxResults, ...input }) {
    const { queries } = services.database
    const { app, branch } = await ownBranch(queries, caller, input)
    const cursor = tokens.decode([branch.branchId], nextToken)
    const rows = await listJobRows(queries, branch.branchId, {
      before: cursor?.before,
      limit: maxResults + 1,
    })
    const page = takePage(rows, maxResults, ({ number }) =>
      tokens.encode([branch.branchId], { before: number }),
    )
    return {
      jobSummaries: page.items.map((job) => viewJobSummary({ app, branch, job })),
      nextToken: page.nextToken,
    }
  },
})

export const stopJob = operation('StopJob', {
  input: z.object(shape.jobAddress),
  async handle({ caller, services }, input) {
    const owned = await services.database.transaction(async (transaction) => {
      const found = await ownJob(transaction, caller, input)
      return { ...found, job: await stop(transaction, found.job, services.now()) }
    })
    services.jobsChanged()
    return { jobSummary: viewJobSummary(owned) }
  },
})

/** Each try acts on the status it finds; a job that moves on meanwhile is looked at again. */
const stopTriesMax = 20

/** Work that has not started is over at once; a worker ends what runs (docs/compatibility.md). */
async function stop(transaction: Transaction, found: JobRow, now: number): Promise<JobRow> {
  for (let tries = 0; tries < stopTriesMax; tries++) {
    const cancelled = await changeJob(transaction, found.jobKey, waitingStatuses, {
      status: 'CANCELLED',
      endedAt: now,
    })
    if (cancelled) await notifyOfEnd(transaction, cancelled, now)
    const stopped =
      cancelled ?? (await changeJob(transaction, found.jobKey, runningStatuses, { status: 'CANCELLING' }))
    if (stopped) return stopped
    const job = await findJobByKey(transaction, found.jobKey)
    if (!job) throw jobNotFound(String(found.number))
    if (!jobCan('stop', job.status)) {
      throw new BadRequestException(`Job ${job.number} is ${job.status} and cannot be stopped any more.`)
    }
  }
  throw new Error(`Job ${found.jobKey} changed its status ${stopTriesMax} times while it was stopped`)
}

export const deleteJob = operation('DeleteJob', {
  input: z.object(shape.jobAddress),
  async handle({ caller, services }, input) {
    const { owned, deployment } = await services.database.transaction(async (transaction) => {
      const found = await ownJob(transaction, caller, input)
      const shown = await findDeploymentOfJob(transaction, found.job.jobKey)
      if (await deleteJobRows(transaction, found.job.jobKey, jobActions.delete)) {
        return { owned: found, deployment: shown }
      }
      const { job } = await ownJob(transaction, caller, input)
      throw new BadRequestException(
        `Job ${job.number} is ${job.status} and cannot be deleted. Stop it with StopJob first.`,
      )
    })
    // It is out of service at its own address, too, and for visitors who have pages of it.
    if (deployment) await services.sitesChanged()
    return { jobSummary: viewJobSummary(owned) }
  },
})
