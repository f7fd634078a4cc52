import { randomBytes } from 'node:crypto'
import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Logger } from 'pino'

import { accessLogFile, hourOf } from '../model/access-log.ts'
import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import { accessLogLine, type Visit } from './access-log-line.ts'

export interface AccessLog {
  /** Notes a visit to a site of the app. It waits for nothing and never fails. */
  add(appId: string, visit: Visit): void
  /** Resolves when what was noted before is in the files, or has been dropped. */
  write(): Promise<void>
  /** Writes what is left. */
  close(): Promise<void>
}

/** Lines of one hour that are written together, by app. */
interface Batch {
  hour: string
  lines: Map<string, string[]>
  count: number
  bytes: number
}

/** After a write that failed, so that a disk that takes nothing is not asked for every line. */
const pauseMilliseconds = 10_000

/**
 * Gathers lines in memory and appends them to files of this process alone, every second or when there are many. Where the
 * disk is short, slow or broken lines are dropped: visitors never wait for their log.
 * @param options.folder made if it is missing
 * @param options.shortage why nothing is to be written now; undefined while there is room
 */
export function createAccessLog(options: {
  folder: string
  cookies: boolean
  shortage(): Promise<string | undefined>
  log: Logger
  now?(): number
}): AccessLog {
  const { folder, cookies, shortage, log, now = Date.now } = options
  let second = 0
  let time = ''
  let batch = emptyBatch('')
  /** Bytes that are on their way to the disk. */
  let writingBytes = 0
  let writing = Promise.resolve()
  let writer = newWriter()
  let pausedUntil = 0
  let dropped = 0

  function turnTo(nextSecond: number): void {
    second = nextSecond
    const iso = new Date(second * 1000).toISOString()
    time = `${iso.slice(0, 10)},${iso.slice(11, 19)}`
    const hour = hourOf(second * 1000)
    if (hour === batch.hour) return
    void write()
    batch = emptyBatch(hour)
  }

  function add(appId: string, visit: Visit): void {
    const nowSecond = Math.floor(now() / 1000)
    if (nowSecond !== second) turnTo(nowSecond)
    if (batch.bytes + writingBytes > limits.accessLogWaitingBytesMax) {
      drop(1, 'the disk is too slow for it')
      return
    }
    const line = accessLogLine(visit, { time, cookies })
    const lines = batch.lines.get(appId)
    if (lines) lines.push(line)
    else batch.lines.set(appId, [line])
    batch.count += 1
    // All of it is ASCII.
    batch.bytes += line.length
    if (batch.bytes >= limits.accessLogWriteBytes && writingBytes === 0) void write()
  }

  function write(): Promise<void> {
    if (batch.count === 0) return writing
    const full = batch
    batch = emptyBatch(full.hour)
    writingBytes += full.bytes
    writing = writing.then(() => append(full)).finally(() => (writingBytes -= full.bytes))
    return writing
  }

  async function append({ hour, lines, count }: Batch): Promise<void> {
    if (now() < pausedUntil) return drop(count, 'a write failed')
    const reason = await shortage().catch(String)
    if (reason !== undefined) return drop(count, reason)
    let written = 0
    try {
      for (const [appId, ofApp] of lines) {
        await appendPrivate(join(folder, hour), accessLogFile(appId, writer), ofApp.join(''))
        written += ofApp.length
      }
      if (dropped > 0) log.warn({ dropped }, 'the access log is written again')
      dropped = 0
    } catch (error) {
      pausedUntil = now() + pauseMilliseconds
      // What a write left half done stays the end of its file: a reader leaves that line out, and no other.
      writer = newWriter()
      drop(count - written, error)
    }
  }

  /** Said once, and once more when it is over. */
  function drop(lines: number, reason: unknown): void {
    if (dropped === 0) {
      const told = reason instanceof Error ? { err: reason } : { reason }
      log.error(told, 'the access log cannot be written; its lines are dropped')
    }
    dropped += lines
  }

  const timer = setInterval(() => void write(), limits.accessLogWriteSeconds * 1000)
  timer.unref()
  return {
    add,
    write,
    close() {
      clearInterval(timer)
      return write()
    },
  }
}

const newWriter = () => randomBytes(6).toString('hex')

const emptyBatch = (hour: string): Batch => ({ hour, lines: new Map(), count: 0, bytes: 0 })

/** Appends to a file that only this user can read. Its folder may be new, or have been removed because it was old. */
async function appendPrivate(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, name)
  try {
    await appendFile(file, text, { mode: 0o600 })
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await appendFile(file, text, { mode: 0o600 })
  }
}
