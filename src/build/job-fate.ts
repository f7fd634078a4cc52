import { runningStatuses } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { findBranchById } from '../store/branches.ts'
import { type Database, isUniqueViolation, type Transaction } from '../store/database.ts'
import { changeJob, findJobByKey, type JobChange, listUnfinishedJobs } from '../store/jobs.ts'
import { notifyOfEnd } from '../store/notification-deliveries.ts'
import type { JobRow } from '../store/schema.ts'
import { changeStep, deleteSteps, listSteps } from '../store/steps.ts'

/** A worker's hold on a job: what it changes, it changes only while the lease is its own. */
export interface HeldJob {
  jobKey: string
  owner: string
}

/** What became of a job. `gone`: deleted, or another worker's. */
export type Fate = 'SUCCEED' | 'FAILED' | 'CANCELLED' | 'PENDING' | 'gone'

/** Ends a job that this worker holds, with its open steps. A failure of a job that is being stopped is its stop. */
export function endJob(
  database: Database,
  held: HeldJob,
  end: { status: 'SUCCEED' | 'FAILED' | 'CANCELLED'; reason: string | null },
  now: number,
): Promise<Fate> {
  return database.transaction(async (transaction) => {
    const job = await findHeld(transaction, held)
    if (!job) return 'gone'
    const stopped = end.status === 'FAILED' && job.status === 'CANCELLING'
    return close(transaction, held, stopped ? { status: 'CANCELLED', reason: null } : end, now)
  })
}

/**
 * Decides about a job whose work ended by our doing: the server stopped or died, or something of ours broke. A job whose
 * deployment is live has done its work. One that was to be stopped is CANCELLED. One of which no command ran starts over,
 * `limits.claimAttemptsMax` times at the most; any other has FAILED, as commands may have had effects outside.
 */
export async function endInterruptedJob(
  database: Database,
  held: HeldJob,
  reason: string,
  now: number,
): Promise<Fate> {
  for (;;) {
    try {
      return await database.transaction((transaction) => decide(transaction, held, reason, now))
    } catch (error) {
      // Another job took the branch's waiting place between the look and the change (PostgreSQL): the next look sees it.
      if (!isUniqueViolation(error)) throw error
    }
  }
}

async function decide(transaction: Transaction, held: HeldJob, reason: string, now: number): Promise<Fate> {
  const job = await findHeld(transaction, held)
  if (!job) return 'gone'
  const branch = await findBranchById(transaction, job.branchId)
  if (branch?.activeDeploymentId === job.deploymentId) {
    return close(transaction, held, { status: 'SUCCEED', reason: null }, now)
  }
  if (job.status === 'CANCELLING') return close(transaction, held, { status: 'CANCELLED', reason: null }, now)
  if (job.commandsStarted) return close(transaction, held, { status: 'FAILED', reason }, now)
  if (job.claims >= limits.claimAttemptsMax) {
    const again = `${reason} It was tried ${job.claims} times.`
    return close(transaction, held, { status: 'FAILED', reason: again }, now)
  }
  const others = await listUnfinishedJobs(transaction, job.branchId)
  if (others.some((other) => other.jobKey !== job.jobKey)) {
    const taken = `${reason} It did not start over because job ${others[0]!.number} waits on the branch.`
    return close(transaction, held, { status: 'FAILED', reason: taken }, now)
  }
  await deleteSteps(transaction, job.jobKey)
  await changeHeld(transaction, held, { status: 'PENDING', leaseOwner: null, leaseExpiresAt: null })
  return 'PENDING'
}

async function findHeld(transaction: Transaction, held: HeldJob): Promise<JobRow | undefined> {
  const job = await findJobByKey(transaction, held.jobKey)
  return job?.leaseOwner === held.owner ? job : undefined
}

async function close(
  transaction: Transaction,
  held: HeldJob,
  end: { status: 'SUCCEED' | 'FAILED' | 'CANCELLED'; reason: string | null },
  now: number,
): Promise<Fate> {
  const changed = await changeHeld(transaction, held, {
    status: end.status,
    statusReason: end.reason,
    endedAt: now,
    leaseOwner: null,
    leaseExpiresAt: null,
  })
  if (!changed) return 'gone'
  await notifyOfEnd(transaction, changed, now)
  for (const step of await listSteps(transaction, held.jobKey)) {
    if (step.endedAt !== null) continue
    await changeStep(transaction, held.jobKey, step.name, {
      status: end.status,
      statusReason: end.reason,
      endedAt: now,
    })
  }
  return end.status
}

function changeHeld(transaction: Transaction, held: HeldJob, change: JobChange): Promise<JobRow | undefined> {
  return changeJob(transaction, held.jobKey, runningStatuses, change, held.owner)
}
