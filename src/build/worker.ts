import { limits } from '../model/limits.ts'
import { oneAtATime } from '../model/one-at-a-time.ts'
import { claimNextJob } from '../store/claims.ts'
import { isUniqueViolation } from '../store/database.ts'
import { listCancelling, renewLease } from '../store/jobs.ts'
import type { JobRow } from '../store/schema.ts'
import { JobStopped, type RunJob } from './job-control.ts'
import { failAbandonedUploads, recoverAtStart, recoverJobs, type RecoveryOptions } from './recovery.ts'

export interface WorkerOptions extends RecoveryOptions {
  runJob: RunJob
  /** Jobs at work at the same time. */
  concurrency: number
  /** Of one account, on all servers together. */
  accountJobsMax: number
  /** What is short on the disk, so that no job is begun; undefined while there is room. */
  shortage(): Promise<string | undefined>
  /** How often the jobs are looked at without being told, and leases are renewed; shorter in tests only. */
  pollMilliseconds?: number
  renewMilliseconds?: number
}

export interface Worker {
  /** Decides about the jobs of the process before, then begins to claim. */
  start(): void
  /** Looks at the jobs now: one was added, is to be stopped, or was deleted. */
  wake(): void
  /**
   * Claims no more and ends the work at hand within seconds: a job of which no command ran goes back to PENDING, any
   * other fails with the reason, unless its deployment is live already.
   */
  stop(): Promise<void>
}

interface RunningJob {
  jobKey: string
  controller: AbortController
  done: Promise<void>
}

const claimTriesMax = 10
/** Also how long a StopJob on another machine may go unnoticed. */
const pollMillisecondsDefault = 1000

export function createWorker(options: WorkerOptions): Worker {
  const { database, owner, now, log } = options
  const running = new Map<string, RunningJob>()
  const timers: ReturnType<typeof setInterval>[] = []
  let recovered: Promise<void> | undefined
  let upkeep: Promise<void> = Promise.resolve()
  let stopping = false
  let paused = false

  const looks = oneAtATime(look, () => recovered !== undefined && !stopping)

  async function look(): Promise<void> {
    try {
      await recovered
      await stopCancelled()
      await claim()
    } catch (error) {
      // A database that cannot be reached: the next look comes soon, and leases keep anything from being lost.
      log.error({ err: error }, 'the worker cannot look at the jobs')
    }
  }

  async function stopCancelled(): Promise<void> {
    if (running.size === 0) return
    for (const job of await listCancelling(database.queries, owner)) {
      running.get(job.jobKey)?.controller.abort(new JobStopped('cancelled'))
    }
  }

  /** Before the disk is so full that jobs at work must be ended, none is begun: sites come first. */
  async function isPaused(): Promise<boolean> {
    const shortage = await options.shortage()
    const isShort = shortage !== undefined
    if (isShort && !paused) log.warn(`${shortage} No job is begun until there is more room.`)
    if (!isShort && paused) log.info('there is room on the disk: jobs are begun again')
    paused = isShort
    return isShort
  }

  async function claim(): Promise<void> {
    if (running.size >= options.concurrency || (await isPaused())) return
    for (let tries = 0; tries < claimTriesMax && running.size < options.concurrency; tries++) {
      if (stopping) return
      const job = await claimOne()
      if (job === 'none') return
      if (job === 'busy') continue
      tries = 0
      begin(job)
    }
  }

  async function claimOne(): Promise<JobRow | 'none' | 'busy'> {
    try {
      const leaseExpiresAt = now() + limits.leaseSeconds * 1000
      const { accountJobsMax } = options
      return (await claimNextJob(database, { owner, now: now(), leaseExpiresAt, accountJobsMax })) ?? 'none'
    } catch (error) {
      if (isUniqueViolation(error)) return 'busy'
      throw error
    }
  }

  function begin(job: JobRow): void {
    const controller = new AbortController()
    const done = options
      .runJob(job, { owner, signal: controller.signal })
      .catch((error: unknown) => {
        // The job keeps its lease, which now runs out: whoever finds it then decides.
        log.error({ err: error, jobKey: job.jobKey }, 'the end of a job could not be recorded')
      })
      .finally(() => {
        // A job that went back to PENDING may be at work here again already.
        if (running.get(job.jobKey) === entry) running.delete(job.jobKey)
        looks.ask()
      })
    const entry: RunningJob = { jobKey: job.jobKey, controller, done }
    running.set(job.jobKey, entry)
  }

  /** Also finds the jobs that were deleted with their app or branch. */
  async function renewAll(): Promise<void> {
    if (running.size === 0 || stopping) return
    const jobs = [...running.values()]
    const leaseExpiresAt = now() + limits.leaseSeconds * 1000
    try {
      const lost = await database.transaction(async (transaction) => {
        const missing: RunningJob[] = []
        for (const job of jobs) {
          if (!(await renewLease(transaction, job.jobKey, owner, leaseExpiresAt))) missing.push(job)
        }
        return missing
      })
      // A job that is just ending has given up its lease by itself.
      for (const job of lost) job.controller.abort(new JobStopped('lost'))
    } catch (error) {
      log.error({ err: error }, 'the worker cannot renew its leases')
    }
  }

  async function recoverOthers(): Promise<void> {
    if (stopping) return
    try {
      await recoverJobs(options, new Set(running.keys()))
      await failAbandonedUploads(options)
    } catch (error) {
      log.error({ err: error }, 'the worker cannot look for lost jobs')
    }
    looks.ask()
  }

  return {
    start() {
      recovered = recoverAtStart(options).catch((error: unknown) => {
        // New jobs must not wait for it; what it did not get to is found again when the leases have run out.
        log.error({ err: error }, 'the worker cannot clear up behind the process before it')
      })
      const renewMilliseconds = options.renewMilliseconds ?? limits.leaseRenewSeconds * 1000
      timers.push(
        setInterval(looks.ask, options.pollMilliseconds ?? pollMillisecondsDefault),
        setInterval(() => {
          upkeep = upkeep.then(renewAll).then(recoverOthers)
        }, renewMilliseconds),
      )
      looks.ask()
    },
    wake() {
      looks.ask()
      upkeep = upkeep.then(renewAll)
    },
    async stop() {
      stopping = true
      for (const timer of timers) clearInterval(timer)
      await Promise.all([recovered, looks.current, upkeep])
      const jobs = [...running.values()]
      for (const { controller } of jobs) controller.abort(new JobStopped('shutdown'))
      await Promise.all(jobs.map(({ done }) => done))
      await upkeep
    },
  }
}
