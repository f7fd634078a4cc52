import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { accessLogHeader, appOfFile, hostOfLine, isHour, timeOfLine } from '../model/access-log.ts'
import { hasCode } from '../model/error-code.ts'

/** Which lines of an app's access log: hours as `hourOf` names them, both included. */
export interface AccessLogSelection {
  appId: string
  from: string
  to: string
  /** By a line's host. */
  matches(host: string): boolean
}

const readBytes = 64 * 1024
const yieldCharacters = 64 * 1024
/** No line is as long: a file without newlines is not one of ours. */
const lineCharactersMax = 64 * 1024

/**
 * Reads an access log as one CSV text: the header, then the lines in the order of time, merged from the files of the edge
 * processes. Holds one piece of each file of an hour in memory. A line that is not whole is left out.
 */
export async function* readAccessLog(
  folder: string,
  { appId, from, to, matches }: AccessLogSelection,
): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(`${accessLogHeader}\n`)
  const isWanted = (line: string) => {
    const host = hostOfLine(line)
    return host !== undefined && matches(host)
  }
  for (const hour of await namesIn(folder)) {
    if (!isHour(hour) || hour < from || hour > to) continue
    const files = (await namesIn(join(folder, hour))).filter((name) => appOfFile(name) === appId)
    yield* mergeFiles(
      files.map((name) => join(folder, hour, name)),
      isWanted,
    )
  }
}

/** Sorted. None where there is no such folder: it may have been removed for its age a moment ago. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

async function* mergeFiles(
  files: string[],
  isWanted: (line: string) => boolean,
): AsyncGenerator<Uint8Array, void> {
  const opened: LineReader[] = []
  try {
    for (const file of files) {
      const reader = await LineReader.open(file, isWanted)
      if (reader) opened.push(reader)
    }
    let text = ''
    let readers = opened
    for (;;) {
      // Those whose lines are used up read on, or are at their end.
      for (const reader of readers) if (reader.line === undefined) await reader.readOn()
      readers = readers.filter(({ line }) => line !== undefined)
      if (readers.length === 0) break
      while (text.length < yieldCharacters) {
        const reader = earliest(readers)
        if (!reader) break
        text += `${reader.line}\n`
        reader.next()
      }
      if (text.length >= yieldCharacters) {
        yield Buffer.from(text)
        text = ''
      }
    }
    if (text !== '') yield Buffer.from(text)
  } finally {
    await Promise.all(opened.map((reader) => reader.close()))
  }
}

/** The reader with the earliest line, of several the first; undefined while one of them must read on. */
function earliest(readers: LineReader[]): LineReader | undefined {
  let found: LineReader | undefined
  for (const reader of readers) {
    if (reader.line === undefined) return undefined
    if (!found || timeOfLine(reader.line) < timeOfLine(found.line!)) found = reader
  }
  return found
}

/** The wanted lines of a file, a piece at a time. */
class LineReader {
  /** The one at which the reader stands; undefined at the end of a piece and at the end of the file. */
  line: string | undefined
  readonly #handle: FileHandle
  readonly #isWanted: (line: string) => boolean
  readonly #buffer = Buffer.alloc(readBytes)
  #lines: string[] = []
  #position = 0
  /** The beginning of a line whose end has not been read. */
  #rest = ''

  constructor(handle: FileHandle, isWanted: (line: string) => boolean) {
    this.#handle = handle
    this.#isWanted = isWanted
  }

  /** Undefined for a file that was removed. */
  static async open(file: string, isWanted: (line: string) => boolean): Promise<LineReader | undefined> {
    try {
      return new LineReader(await open(file), isWanted)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  next(): void {
    this.line = this.#lines[++this.#position]
  }

  /** Reads until there is a wanted line, or nothing more. */
  async readOn(): Promise<void> {
    while (this.line === undefined) {
      const { bytesRead } = await this.#handle.read(this.#buffer, 0, readBytes)
      if (bytesRead === 0) return
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, bytesRead)).split('\n')
      const rest = lines.pop()!
      this.#rest = rest.length > lineCharactersMax ? '' : rest
      this.#lines = lines.filter(this.#isWanted)
      this.#position = 0
      this.line = this.#lines[0]
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
