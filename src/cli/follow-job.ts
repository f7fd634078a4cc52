import { type AmplifyClient, GetJobCommand, type Job, type JobSummary } from '@aws-sdk/client-amplify'

import { finishedStatuses } from '../model/jobs.ts'

export interface JobAddress {
  appId: string
  branchName: string
  jobId: string
}

const pauseMilliseconds = 300

/**
 * Follows a job until its end, handing over its logs as they grow.
 * @param print called with pieces of the log, in order; not always whole lines
 * @returns the job as it ended
 */
export async function followJob(
  client: AmplifyClient,
  address: JobAddress,
  print: (text: string) => void,
): Promise<Job & { summary: JobSummary }> {
  const readers = new Map<string, LogReader>()
  for (;;) {
    const { job } = await client.send(new GetJobCommand(address))
    if (!job?.summary) throw new Error(`GetJob of ${address.jobId} answered no job`)
    // What the job had written before it said that it ended is read after it said so.
    for (const { stepName = '', logUrl } of job.steps ?? []) {
      if (!logUrl) continue
      const reader = readers.get(stepName) ?? new LogReader()
      readers.set(stepName, reader)
      await reader.readNew(logUrl, print)
    }
    if (isFinished(job.summary.status)) return { ...job, summary: job.summary }
    await Bun.sleep(pauseMilliseconds)
  }
}

export function isFinished(status: string | undefined): boolean {
  return (finishedStatuses as readonly string[]).includes(status ?? '')
}

/** Why a job failed, from its steps. */
export function failureOf(job: Job): string {
  const step = job.steps?.find(({ status }) => status === 'FAILED' || status === 'CANCELLED')
  return `${step?.stepName ?? 'The job'}: ${step?.statusReason || (step?.status ?? job.summary?.status)}`
}

/** Reads one log by ranges, each time from where it stopped. */
class LogReader {
  #offset = 0
  readonly #decoder = new TextDecoder()

  async readNew(url: string, print: (text: string) => void): Promise<void> {
    const response = await fetch(url, { headers: { range: `bytes=${this.#offset}-` } })
    // 416: nothing new yet. 404: the step has begun, its log has not.
    if (response.status === 416 || response.status === 404) return void (await response.arrayBuffer())
    if (!response.ok) throw new Error(`The log answered ${response.status}: ${await response.text()}`)
    const bytes = await response.bytes()
    const fresh = response.status === 206 ? bytes : bytes.subarray(this.#offset)
    this.#offset += fresh.length
    if (fresh.length > 0) print(this.#decoder.decode(fresh, { stream: true }))
  }
}
