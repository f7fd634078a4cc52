import { NoResultError } from 'kysely'

import { newId } from '../model/ids.ts'
import type { JobStatus, JobType } from '../model/jobs.ts'
import { takeJobNumber } from '../store/branches.ts'
import { type Database, isUniqueViolation, type Transaction } from '../store/database.ts'
import { insertJob, listUnfinishedJobs } from '../store/jobs.ts'
import type { BranchRow, JobRow } from '../store/schema.ts'
import { branchNotFound, type OwnedBranch } from './look-up.ts'

export type JobOrigin = Partial<
  Pick<JobRow, 'commitId' | 'commitMessage' | 'commitTime' | 'sourceUrl' | 'sourceUrlType'>
> & { type: JobType; status: JobStatus; createdAt: number }

/**
 * Adds a job to a branch that is idle.
 * @param plan finds the branch and what its new job is, in the same transaction; it throws what stands against it
 * @param busy the refusal while `unfinished` waits or runs on the branch
 * @param also what belongs to the job and must be stored with it
 */
export async function addJob<Owned extends OwnedBranch>(
  database: Database,
  options: {
    plan(transaction: Transaction): Promise<Owned & { origin: JobOrigin }>
    busy(branch: BranchRow, unfinished: JobRow): Error
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
  const { origin, ...owned } = await plan(transaction)
  const { branch } = owned as OwnedBranch
  // Taking the number holds the branch's row: of two calls at once the second sees the job of the first.
  const number = await takeJobNumber(transaction, branch.branchId).catch((error: unknown) => {
    throw error instanceof NoResultError ? branchNotFound(branch.name) : error
  })
  const [unfinished] = await listUnfinishedJobs(transaction, branch.branchId)
  if (unfinished) throw busy(branch, unfinished)
  const job: JobRow = {
    jobKey: newId(),
    branchId: branch.branchId,
    number,
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
  return { ...(owned as unknown as Owned), job }
}
