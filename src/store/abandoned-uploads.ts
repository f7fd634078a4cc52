import { notStartedReason } from '../model/jobs.ts'
import type { Transaction } from './database.ts'
import { changeJob } from './jobs.ts'
import { notifyOfEnd } from './notification-deliveries.ts'

/** Fails a job of CreateDeployment that was not started in time, unless it was started or stopped meanwhile. */
export async function endAbandonedUpload(
  transaction: Transaction,
  jobKey: string,
  now: number,
): Promise<void> {
  const ended = await changeJob(transaction, jobKey, ['CREATED'], {
    status: 'FAILED',
    statusReason: notStartedReason,
    endedAt: now,
  })
  if (ended) await notifyOfEnd(transaction, ended, now)
}
