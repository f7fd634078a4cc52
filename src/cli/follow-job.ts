import { type AmplifyClient, GetJobCommand, type Job, type JobSummary } from '@aws-sdk/client-amplify'

import { finishedStatuses } from '../model/jobs.ts'
import { plainText } from '../model/plain-text.ts'
import { UsageError } from '../usage-error.ts'
import { errorOf, sendSigned } from './call-endpoint.ts'
import { followEvents } from './follow-events.ts'

export interface JobAddress {
  appId: string
  branchName: string
  jobId: string
}

export type ShownJob = Job & { summary: JobSummary }

/**
 * Follows a job until its end, handing over its logs as they are written. A connection that breaks is made again, and goes
 * on where it stopped.
 * @param print called with whole lines of the logs, in order
 * @returns the job as it ended
 */
export function followJob(
  client: AmplifyClient,
  address: JobAddress,
  print: (text: string) => void,
): Promise<ShownJob> {
  return followEvents<ShownJob>(
    (lastId) => openStream(client, address, lastId),
    ({ name, data }) => {
      if (name === 'message') print(`${data}\n`)
      if (name === 'deleted') throw new UsageError(`Job ${address.jobId} was deleted.`)
      return name === 'end' ? getJob(client, address) : undefined
    },
  )
}

/** The job as it is. */
export async function getJob(client: AmplifyClient, address: JobAddress): Promise<ShownJob> {
  const { job } = await client.send(new GetJobCommand(address))
  if (!job?.summary) throw new Error(`GetJob of ${address.jobId} answered no job`)
  return { ...job, summary: job.summary }
}

async function openStream(
  client: AmplifyClient,
  address: JobAddress,
  lastId: string | undefined,
): Promise<ReadableStream<Uint8Array>> {
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
  const response = await askLog(client, address, { follow: 'true' }, headers)
  if (response.body === null) throw new Error('The server answered without a stream')
  return response.body
}

interface LogPage {
  text: string
  next?: { step: string; offset: number }
}

/** Hands over the logs of a job as far as they are written now. */
export async function printLog(
  client: AmplifyClient,
  address: JobAddress,
  print: (text: string) => void,
): Promise<void> {
  let query: Record<string, string> = {}
  for (;;) {
    const response = await askLog(client, address, query)
    const { text, next } = (await response.json()) as LogPage
    print(text)
    if (text === '' || !next) return
    query = { step: next.step, offset: String(next.offset) }
  }
}

async function askLog(
  { config }: AmplifyClient,
  { appId, branchName, jobId }: JobAddress,
  query: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const segments = ['apps', appId, 'branches', branchName, 'jobs', jobId, 'log'].map(encodeURIComponent)
  const endpoint = await config.endpoint!()
  const host = `${endpoint.protocol}//${endpoint.hostname}${endpoint.port === undefined ? '' : `:${endpoint.port}`}`
  const url = new URL(`/_preamp/${segments.join('/')}?${new URLSearchParams(query)}`, host)
  const response = await sendSigned('GET', url, config, { headers })
  if (!response.ok) throw await errorOf(response)
  return response
}

export function isFinished(status: string | undefined): boolean {
  return (finishedStatuses as readonly string[]).includes(status ?? '')
}

/** Why a job failed, from its steps. */
export function failureOf(job: Job): string {
  const step = job.steps?.find(({ status }) => status === 'FAILED' || status === 'CANCELLED')
  const reason = step?.statusReason || (step?.status ?? job.summary?.status ?? '')
  return `${step?.stepName ?? 'The job'}: ${plainText(reason)}`
}
