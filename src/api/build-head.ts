import { appOptionsOf } from '../model/app-options.ts'
import type { JobTrigger } from '../model/jobs.ts'
import type { Transaction } from '../store/database.ts'
import { changeJob, listUnfinishedJobs } from '../store/jobs.ts'
import type { Services } from './context.ts'
import type { OwnedBranch, OwnedJob } from './look-up.ts'
import { addJob, refuseUnconnected } from './new-job.ts'

/** The branch has a waiting job already, which takes the place of the one that was to be added. */
class AlreadyWaiting extends Error {
  readonly owned: OwnedJob

  constructor(owned: OwnedJob) {
    super(`Job ${owned.job.number} waits already`)
    this.owned = owned
  }
}

/**
 * Has the head of a branch built, when the branch is busy as soon as it is free: behind a job that runs one job waits, which
 * stands for every call until it begins, since the head is resolved at its checkout.
 * @param find the branch; it throws what stands against a build
 * @returns the job that was added, or the waiting one
 * @throws {BadRequestException} for an app without a repository
 */
export async function buildHead(
  services: Pick<Services, 'database' | 'jobsChanged' | 'now'>,
  trigger: JobTrigger,
  find: (transaction: Transaction) => Promise<OwnedBranch>,
): Promise<OwnedJob> {
  const owned = await addOrMove(services, trigger, find)
  if (appOptionsOf(owned.app).cancelSuperseded) await cancelSuperseded(services, owned)
  services.jobsChanged()
  return owned
}

async function addOrMove(
  services: Pick<Services, 'database' | 'now'>,
  trigger: JobTrigger,
  find: (transaction: Transaction) => Promise<OwnedBranch>,
): Promise<OwnedJob> {
  for (;;) {
    try {
      return await addJob(services.database, {
        async plan(transaction) {
          const found = await find(transaction)
          refuseUnconnected(found.app)
          return {
            ...found,
            origin: { type: 'WEB_HOOK', trigger, status: 'PENDING', createdAt: services.now() },
          }
        },
        busy: (unfinished) =>
          unfinished.job.status === 'PENDING' ? new AlreadyWaiting(unfinished) : undefined,
      })
    } catch (error) {
      if (!(error instanceof AlreadyWaiting)) throw error
      const job = await moveToHead(services, error.owned)
      // Undefined when it began meanwhile, perhaps with an older commit: the next try waits behind it.
      if (job) return { ...error.owned, job }
    }
  }
}

/** Stops what the branch still builds for an older head. A deployment that visitors see already stays: see the runner. */
async function cancelSuperseded({ database }: Pick<Services, 'database'>, { branch, job: newest }: OwnedJob) {
  for (const job of await listUnfinishedJobs(database.queries, branch.branchId)) {
    // The newest may have begun just now.
    if (job.jobKey === newest.jobKey) continue
    await changeJob(database.queries, job.jobKey, ['PROVISIONING', 'RUNNING'], { status: 'CANCELLING' })
  }
}

/** A retry, and a job that was lost after its checkout, wait to build a commit that may no longer be the head. */
async function moveToHead({ database }: Pick<Services, 'database'>, { job }: OwnedJob) {
  if (job.commitId === null) return job
  return changeJob(database.queries, job.jobKey, ['PENDING'], {
    commitId: null,
    commitMessage: null,
    commitTime: null,
  })
}
