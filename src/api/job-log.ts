import { hasCode } from '../model/error-code.ts'
import { finishedStatuses, type JobStatus, type StepName, stepNames } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { findJobByKey } from '../store/jobs.ts'
import type { StepRow } from '../store/schema.ts'
import { listSteps } from '../store/steps.ts'
import type { Services } from './context.ts'

/** How far the log of a step was read. */
export interface LogPlace {
  /** Bytes that lie before it. */
  offset: number
  /** When the step began, where that is known: a job that starts over has other logs. */
  startedAt?: number
}

/** How far the logs of a job were read. More than one may grow: step TEST is at work while BUILD is. */
export interface LogPlaces {
  /** Steps before it are left out. */
  first: StepName
  /** A step that is not in it is read from its beginning. */
  of: ReadonlyMap<StepName, LogPlace>
}

export interface LogPiece {
  step: StepName
  /** Where the piece begins. */
  offset: number
  /** Whole lines, but for the end of a log. */
  text: string
  /** Behind the piece. */
  next: Required<LogPlace>
}

export interface JobLog {
  /** As the job was before its logs were looked at. */
  status: JobStatus
  /** The next piece, of the earliest step that has one. */
  piece: LogPiece | undefined
  /** Whether nothing comes any more. */
  isOver: boolean
}

const lineFeed = 0x0a

/**
 * Reads on in the logs of a job. While a step is at work its log is a file of this machine that grows, afterwards a blob: the
 * log of a step at work on another machine comes when the step has ended.
 * @returns undefined when the job is gone
 */
export async function readJobLog(
  services: Services,
  jobKey: string,
  places: LogPlaces,
): Promise<JobLog | undefined> {
  const { queries } = services.database
  const job = await findJobByKey(queries, jobKey)
  if (!job) return undefined
  const { status } = job
  const first = stepNames.indexOf(places.first)
  for (const step of await listSteps(queries, jobKey)) {
    if (stepNames.indexOf(step.name) < first) continue
    const piece = await readStepLog(services, step, places.of.get(step.name))
    if (piece.text !== '') return { status, piece, isOver: false }
  }
  return { status, piece: undefined, isOver: (finishedStatuses as readonly JobStatus[]).includes(status) }
}

async function readStepLog(
  services: Services,
  step: StepRow,
  place: LogPlace | undefined,
): Promise<LogPiece> {
  const { jobKey, name, logSha, startedAt } = step
  const isSameRun = place && (place.startedAt ?? startedAt) === startedAt
  const from = isSameRun ? place.offset : 0
  const { offset, bytes, isEnd } =
    logSha === null
      ? await readLiveLog(services.liveLogPath(jobKey, name), from)
      : await readBytes(services.blobs.open(logSha), from)
  const isOver = logSha !== null || step.endedAt !== null
  const length = isOver && isEnd ? bytes.length : bytes.lastIndexOf(lineFeed) + 1
  const text = new TextDecoder().decode(bytes.subarray(0, length))
  return { step: name, offset, text, next: { offset: offset + length, startedAt } }
}

async function readBytes(log: Blob, from: number) {
  const { size } = log
  // A place beyond the end is one of a run before.
  const offset = from > size ? 0 : from
  const bytes = await log.slice(offset, Math.min(size, offset + limits.logPageBytesMax)).bytes()
  return { offset, bytes, isEnd: offset + bytes.length === size }
}

/** There is no file where the step has just begun, or has just ended: by the next look its log is kept. */
async function readLiveLog(path: string, from: number) {
  try {
    const file = Bun.file(path)
    if (await file.exists()) return await readBytes(file, from)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  return { offset: from, bytes: new Uint8Array(), isEnd: true }
}
