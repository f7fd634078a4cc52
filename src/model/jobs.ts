import { limits } from './limits.ts'

/** The eight job and step statuses of the Amplify API (contract/hosting-behaviour.md §2). */
export const jobStatuses = [
  'CREATED',
  'PENDING',
  'PROVISIONING',
  'RUNNING',
  'FAILED',
  'SUCCEED',
  'CANCELLING',
  'CANCELLED',
] as const
export type JobStatus = (typeof jobStatuses)[number]

export const jobTypes = ['RELEASE', 'RETRY', 'MANUAL', 'WEB_HOOK'] as const
export type JobType = (typeof jobTypes)[number]

/**
 * Who started a job: a call of the API, a call of an incoming webhook's URL, or a push that a Git provider told of. Only the
 * last may find that there is nothing to build (contract/hosting-behaviour.md §1.9).
 */
export type JobTrigger = 'api' | 'webhook' | 'push'

export const sourceUrlTypes = ['ZIP', 'BUCKET_PREFIX'] as const
export type SourceUrlType = (typeof sourceUrlTypes)[number]

export const stepNames = ['BUILD', 'TEST', 'DEPLOY', 'VERIFY'] as const
export type StepName = (typeof stepNames)[number]

/** Work that holds the branch's one running place. The partial index in store/migrations lists the same. */
export const runningStatuses = ['PROVISIONING', 'RUNNING', 'CANCELLING'] as const satisfies JobStatus[]
/** Work that holds the branch's one waiting place. */
export const waitingStatuses = ['CREATED', 'PENDING'] as const satisfies JobStatus[]
export const finishedStatuses = ['FAILED', 'SUCCEED', 'CANCELLED'] as const satisfies JobStatus[]

/** What may be done with a job in which state. */
export const jobActions = {
  stop: ['CREATED', 'PENDING', 'PROVISIONING', 'RUNNING', 'CANCELLING'],
  delete: ['CREATED', 'PENDING', 'FAILED', 'SUCCEED', 'CANCELLED'],
  startDeployment: ['CREATED'],
  upload: ['CREATED'],
} as const satisfies Record<string, readonly JobStatus[]>

export function jobCan(action: keyof typeof jobActions, status: JobStatus): boolean {
  return (jobActions[action] as readonly JobStatus[]).includes(status)
}

/** The `statusReason` of a job of CreateDeployment whose time to be started is over. */
export const notStartedReason = `The deployment was not started within ${limits.uploadSecondsMax / 3600} hours of its creation.`

/**
 * A job number as ARNs, `activeJobId`, `AWS_JOB_ID` and storage paths show it: ten digits
 * (contract/api-behaviour.md §1.5). `jobId` itself is the plain decimal.
 */
export function paddedJobNumber(number: number): string {
  return String(number).padStart(10, '0')
}

/** Reads a client's jobId, padded or plain; undefined when it cannot be the number of any job. */
export function parseJobNumber(jobId: string): number | undefined {
  if (!/^[0-9]{1,255}$/.test(jobId)) return undefined
  const number = Number(jobId)
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}
