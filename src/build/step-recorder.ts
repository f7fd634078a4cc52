import type { Blobs } from '../blobs/blobs.ts'
import { JobNotRunning } from '../deploy/publish.ts'
import { runningStatuses, type StepName, stepNames } from '../model/jobs.ts'
import type { Database } from '../store/database.ts'
import { changeJob } from '../store/jobs.ts'
import { changeStep, insertStep } from '../store/steps.ts'
import { type BuildLog, liveLogPath, openBuildLog } from './build-log.ts'
import type { HeldJob } from './job-fate.ts'
import type { SecretMask } from './secret-mask.ts'

export interface StepRecorder {
  /**
   * Does the work of one step: writes its row, keeps its log, and closes both with what came of it.
   * @param options.context what `step.context` shows
   * @param options.reasonOf why a step that succeeded did less than it might have
   * @param options.afterStop also where the job is being stopped: its deployment is live already
   */
  record<T>(
    name: StepName,
    work: (log: BuildLog) => Promise<T>,
    options?: { context?: string; afterStop?: boolean; reasonOf?(result: T): string | undefined },
  ): Promise<T>
}

/** How a step that threw is closed. Undefined: the job goes on elsewhere or starts over, and its steps with it. */
export interface StepEnd {
  status: 'FAILED' | 'CANCELLED'
  reason: string | null
  logLines: string[]
}

export interface RecorderOptions {
  database: Database
  blobs: Blobs
  workRoot: string
  held: HeldJob
  newMask(): SecretMask
  describe(error: unknown): StepEnd | undefined
  now(): number
}

export function createStepRecorder(options: RecorderOptions): StepRecorder {
  const { database, blobs, held, now } = options
  const { jobKey, owner } = held

  async function open(name: StepName, step: { context?: string; afterStop?: boolean }): Promise<void> {
    await database.transaction(async (transaction) => {
      const job = step.afterStop
        ? await changeJob(transaction, jobKey, runningStatuses, { leaseOwner: owner }, owner)
        : await changeJob(transaction, jobKey, ['PROVISIONING', 'RUNNING'], { status: 'RUNNING' }, owner)
      if (!job) throw new JobNotRunning('The job was stopped or deleted')
      await insertStep(transaction, {
        jobKey,
        name,
        position: stepNames.indexOf(name),
        status: 'RUNNING',
        statusReason: null,
        context: step.context ?? null,
        startedAt: now(),
        endedAt: null,
        logSha: null,
      })
    })
  }

  /** Keeps the log and, where the step has an end, closes it. */
  async function close(
    name: StepName,
    log: BuildLog,
    end: { status: 'SUCCEED' | 'FAILED' | 'CANCELLED'; reason: string | null } | undefined,
  ): Promise<void> {
    await log.close()
    const { sha } = await blobs.put({ path: log.path })
    const ended = end && { status: end.status, statusReason: end.reason, endedAt: now() }
    await database.transaction(async (transaction) => {
      // A worker that lost the job meanwhile must not touch the steps of whoever has it now.
      const job = await changeJob(transaction, jobKey, runningStatuses, { leaseOwner: owner }, owner)
      if (job) await changeStep(transaction, jobKey, name, { logSha: sha, ...ended })
    })
  }

  return {
    async record(name, work, step = {}) {
      await open(name, step)
      const log = openBuildLog({
        path: liveLogPath(options.workRoot, jobKey, name),
        stamp: name === 'BUILD' || name === 'TEST' ? 'build' : 'deploy',
        newMask: options.newMask,
        now,
      })
      try {
        const result = await work(log)
        await close(name, log, { status: 'SUCCEED', reason: step.reasonOf?.(result) ?? null })
        return result
      } catch (error) {
        const end = options.describe(error)
        for (const line of end?.logLines ?? []) log.write('ERROR', `!!! ${line}`)
        await close(name, log, end)
        throw error
      }
    },
  }
}
