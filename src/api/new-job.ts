import { NoResultError } from 'kysely'

import { newId } from '../model/ids.ts'
import type { JobStatus, JobType } from '../model/jobs.ts'
import { takeJobNumber } from '../store/branches.ts'
import { type Database, isUniqueViolation, type Transaction } from '../store/database.ts'
import { insertJob, listUnfinishedJobs } from '../store/jobs.ts'
import type { AppRow, JobRow } from '../store/schema.ts'
import { BadRequestException } from './errors.ts'
import { branchNotFound, type OwnedBranch } from './look-up.ts'

export type JobOrigin = Partial<
  Pick<JobRow, 'trigger' | 'commitId' | 'commitMessage' | 'commitTime' | 'sourceUrl' | 'sourceUrlType'>
> & { type: JobType; status: JobStatus; createdAt: number }

/**
 * Adds a job to a branch.
 * @param plan finds the branch and what its new job is, in the same transaction; it throws what stands against it
 * @param busy asked about each job that waits or runs on the branch: the refusal, or undefined where the new job may wait
 * beside it
 * @param also what belongs to the job and must be stored with it
 */
export async function addJob<Owned extends OwnedBranch>(
  database: Database,
  options: {
    plan(transaction: Transaction): Promise<Owned & { origin: JobOrigin }>
    busy(unfinished: Owned & { job: JobRow }): Error | undefined
    also?(transaction: Transaction, job: JobRow): Promise<void>
  },
): Promise<Owned & { job: JobRow }> {
  try {
    return await database.transaction((transaction) => add(transaction, options))
  } catch (error) {
    // On PostgreSQL a job that another transaction moved back to waiting may be met at the insert only.
    if (!isUniqueViolation(error)) throw error
    return await database.transaction((transaction) => add(transaction, options))
  }
}

async function add<Owned extends OwnedBranch>(
  transaction: Transaction,
  { plan, busy, also }: Parameters<typeof addJob<Owned>>[1],
): Promise<Owned & { job: JobRow }> {
  const { origin, ...planned } = await plan(transaction)
  const owned = planned as unknown as Owned
  const { branch } = owned
  // Taking the number holds the branch's row: of two calls at once the second sees the job of the first.
  const number = await takeJobNumber(transaction, branch.branchId).catch((error: unknown) => {
    throw error instanceof NoResultError ? branchNotFound(branch.name) : error
  })
  for (const unfinished of await listUnfinishedJobs(transaction, branch.branchId)) {
    const refusal = busy({ ...owned, job: unfinished })
    if (refusal) throw refusal
  }
  const job: JobRow = {
    jobKey: newId(),
    branchId: branch.branchId,
    number,
    trigger: 'api',
    statusReason: null,
    commitId: null,
    commitMessage: null,
    commitTime: null,
    sourceUrl: null,
    sourceUrlType: null,
    startedAt: null,
    endedAt: null,
    deploymentId: newId(),
    leaseOwner: null,
    leaseExpiresAt: null,
    claims: 0,
    commandsStarted: false,
    ...origin,
  }
  await insertJob(transaction, job)
  await also?.(transaction, job)
  return { ...owned, job }
}

/** @throws {BadRequestException} for an app whose branches have nothing to build */
export function refuseUnconnected({ settings }: AppRow): void {
  if (settings.repository !== undefined) return
  throw new BadRequestException(
    'Operation not supported. App is not connected to a repository. Use CreateDeployment and StartDeployment, or connect one with UpdateApp.',
  )
}
