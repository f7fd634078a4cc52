import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { accessLogFile, appOfFile, hourOf, timeOfLine, writerOfFile } from '../model/access-log.ts'
import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'

/** How far each file was read, in bytes, by `<hour>/<writer>`. */
export type AccessLogPlaces = ReadonlyMap<string, number>

export interface AccessLogNews {
  /** Whole lines without their newlines, in the order of time. */
  lines: string[]
  /** What was left out since more was written than anybody reads. */
  skippedBytes: number
}

const hourMilliseconds = 3600_000
/** A folder that changed a moment ago may change again without a newer time. */
const settledMilliseconds = 1000

/** Reads an app's access log as the edges write it: what is new in the files of this hour and the one before. */
export class AccessLogTail {
  readonly #folder: string
  readonly #appId: string
  readonly #places: Map<string, number>
  /** Names of files by hour, with the time of their folder when they were read. */
  readonly #listed = new Map<string, { changedAt: number; isSettled: boolean; writers: string[] }>()

  /** @param places from where to read on; a file that is not among them is new */
  constructor(folder: string, appId: string, places: AccessLogPlaces) {
    this.#folder = folder
    this.#appId = appId
    this.#places = new Map(places)
  }

  get places(): AccessLogPlaces {
    return this.#places
  }

  /**
   * Reads what is new. Where that is more than is read at once, its beginning is left out.
   * @param now epoch milliseconds
   */
  async read(now: number): Promise<AccessLogNews> {
    const hours = [hourOf(now - hourMilliseconds), hourOf(now)]
    for (const key of this.#places.keys()) if (!hours.includes(hourOfKey(key))) this.#places.delete(key)
    for (const hour of this.#listed.keys()) if (!hours.includes(hour)) this.#listed.delete(hour)
    const news: AccessLogNews = { lines: [], skippedBytes: 0 }
    for (const hour of hours) {
      for (const writer of await this.#writersOf(hour, now)) {
        const { lines, skippedBytes } = await this.#readFile(hour, writer)
        news.lines.push(...lines)
        news.skippedBytes += skippedBytes
      }
    }
    news.lines = news.lines.toSorted((one, other) => {
      const [a, b] = [timeOfLine(one), timeOfLine(other)]
      return a < b ? -1 : a > b ? 1 : 0
    })
    return news
  }

  async #writersOf(hour: string, now: number): Promise<string[]> {
    const folder = join(this.#folder, hour)
    const changedAt = await orMissing(async () => (await stat(folder)).mtimeMs)
    if (changedAt === undefined) return []
    const known = this.#listed.get(hour)
    if (known?.isSettled && known.changedAt === changedAt) return known.writers
    const names = (await orMissing(() => readdir(folder))) ?? []
    const writers = names.flatMap((name) =>
      appOfFile(name) === this.#appId ? (writerOfFile(name) ?? []) : [],
    )
    this.#listed.set(hour, { changedAt, isSettled: now - changedAt > settledMilliseconds, writers })
    return writers
  }

  async #readFile(hour: string, writer: string): Promise<AccessLogNews> {
    const key = `${hour}/${writer}`
    const path = join(this.#folder, hour, accessLogFile(this.#appId, writer))
    const size = await orMissing(async () => (await stat(path)).size)
    const place = this.#places.get(key) ?? 0
    if (size === undefined || size <= place) return { lines: [], skippedBytes: 0 }
    const from = Math.max(place, size - limits.accessLogTailBytesMax)
    const bytes = (await orMissing(() => readPart(path, from, size))) ?? Buffer.alloc(0)
    const text = bytes.toString('latin1')
    const end = text.lastIndexOf('\n') + 1
    // A line that was cut in two by what is left out is left out too.
    const begin = from > place ? text.indexOf('\n') + 1 : 0
    this.#places.set(key, from + end)
    return {
      lines: text
        .slice(begin, end)
        .split('\n')
        .filter((line) => line !== ''),
      skippedBytes: from - place,
    }
  }
}

const hourOfKey = (key: string) => key.slice(0, key.indexOf('/'))

async function readPart(path: string, from: number, to: number): Promise<Buffer> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Undefined for what is not there: it may have been removed for its age a moment ago. */
async function orMissing<Found>(find: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await find()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
