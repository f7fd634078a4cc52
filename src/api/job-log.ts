import { hasCode } from '../model/error-code.ts'
import { finishedStatuses, type JobStatus, type StepName, stepNames } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { findJobByKey } from '../store/jobs.ts'
import type { JobRow, StepRow } from '../store/schema.ts'
import { listSteps } from '../store/steps.ts'
import type { Services } from './context.ts'

/** A place in the logs of a job, which follow each other as its steps do. */
export interface LogPosition {
  step: StepName
  /** Bytes of the step's log that lie before it. */
  offset: number
  /** When the step began, where that is known: a job that starts over has other logs. */
  startedAt?: number
}

export interface LogPiece {
  /** As the job was before the piece was read. */
  status: JobStatus
  /** Where the piece lies: further than it was asked for, where steps were left out or had no more. */
  at: LogPosition
  /** Whole lines, but for the end of a log. */
  text: string
  /** Where to go on; undefined when the job has ended and this is the end of its logs. */
  next: LogPosition | undefined
}

/** Bytes of one piece: more than the longest line has. */
const pieceBytesMax = limits.logPageBytesMax
const lineFeed = 0x0a

/**
 * Reads on in the logs of a job, as far as they go or a piece holds. While a step is at work its log is a file of this
 * machine that grows, afterwards a blob: the log of a job at work on another machine comes when its step has ended.
 * @returns undefined when the job is gone
 */
export async function readJobLog(
  services: Services,
  jobKey: string,
  from: LogPosition,
): Promise<LogPiece | undefined> {
  const { queries } = services.database
  const job = await findJobByKey(queries, jobKey)
  if (!job) return undefined
  const steps = await listSteps(queries, jobKey)
  const step = steps.find(({ name }) => indexOf(name) >= indexOf(from.step))
  if (!step) return { status: job.status, at: from, text: '', next: isFinished(job) ? undefined : from }
  const isSame = step.name === from.step && (from.startedAt ?? step.startedAt) === step.startedAt
  const offset = isSame ? from.offset : 0
  const piece = await readPiece(services, job, step, offset)
  if (piece.text !== '' || !piece.isOver) return { ...piece, status: job.status }
  const later = steps.find(({ name }) => indexOf(name) > indexOf(step.name))
  if (later) return readJobLog(services, jobKey, { step: later.name, offset: 0 })
  return { status: job.status, at: piece.at, text: '', next: isFinished(job) ? undefined : piece.at }
}

interface StepPiece {
  at: LogPosition
  text: string
  next: LogPosition
  /** Whether nothing comes after it. */
  isOver: boolean
}

async function readPiece(
  services: Services,
  { jobKey }: JobRow,
  step: StepRow,
  offset: number,
): Promise<StepPiece> {
  const { name, logSha, startedAt } = step
  const isOver = logSha !== null || step.endedAt !== null
  const read =
    logSha === null
      ? await readLiveLog(services.liveLogPath(jobKey, name), offset)
      : await readBytes(services.blobs.open(logSha), offset)
  const { start, bytes, isEnd } = read
  const length = isOver && isEnd ? bytes.length : bytes.lastIndexOf(lineFeed) + 1
  return {
    at: { step: name, offset: start, startedAt },
    text: new TextDecoder().decode(bytes.subarray(0, length)),
    next: { step: name, offset: start + length, startedAt },
    isOver,
  }
}

async function readBytes(log: Blob, offset: number) {
  const { size } = log
  // A place beyond the end is one of a run before.
  const start = offset > size ? 0 : offset
  const bytes = await log.slice(start, Math.min(size, start + pieceBytesMax)).bytes()
  return { start, bytes, isEnd: start + bytes.length === size }
}

/** There is no file where the step has just begun, or has just ended: by the next look its log is kept. */
async function readLiveLog(path: string, offset: number) {
  try {
    const file = Bun.file(path)
    if (await file.exists()) return await readBytes(file, offset)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  return { start: offset, bytes: new Uint8Array(), isEnd: true }
}

const indexOf = (name: StepName) => stepNames.indexOf(name)
const isFinished = ({ status }: JobRow) => (finishedStatuses as readonly JobStatus[]).includes(status)
