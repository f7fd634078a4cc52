import { join } from 'node:path'

import type { StepName } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import type { SecretMask } from './secret-mask.ts'

export type LogLevel = 'INFO' | 'WARNING' | 'ERROR'

/** `build`: `2024-01-31T12:00:00.000Z [INFO]: …`. `deploy`: to the second and without `Z` (contract/hosting-behaviour.md §1.10). */
export type LogStamp = 'build' | 'deploy'

export interface BuildLog {
  /** Path of the file, which grows as the step goes on. */
  readonly path: string
  /** A line of our own; of several lines the further ones are indented. */
  write(level: LogLevel, text: string): void
  /** Output of a command: stdout is INFO, stderr is WARNING, as on Amplify. */
  output(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
  /** Writes what is kept back of the last output: a line without its end. */
  flushOutput(): void
  /** Resolves when all is in the file. */
  close(): Promise<void>
}

export interface LogOptions {
  path: string
  stamp: LogStamp
  /** A mask for each stream. */
  newMask(): SecretMask
  now(): number
  bytesMax?: number
}

/** Where the log of a step at work lies: in the job's folder, out of reach of its build. */
export function liveLogPath(workRoot: string, jobKey: string, step: StepName): string {
  return join(workRoot, jobKey, `${step}.log`)
}

const levelOf = { stdout: 'INFO', stderr: 'WARNING' } as const
const lineCharactersMax = 64 * 1024
/** What a reader of the log waits for a prompt, or a progress line without its end. */
const partialLineMilliseconds = 100

export function openBuildLog(options: LogOptions): BuildLog {
  const bytesMax = options.bytesMax ?? limits.buildLogBytesMax
  const sink = Bun.file(options.path).writer()
  const streams = { stdout: newStream(options), stderr: newStream(options) }
  let bytes = 0
  let received = 0
  let cut = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let writing: Promise<unknown> = Promise.resolve()

  function append(level: LogLevel, text: string): void {
    const entry = formatEntry(options.stamp, options.now(), level, text)
    bytes += Buffer.byteLength(entry)
    writing = Promise.all([writing, sink.write(entry), sink.flush()])
  }

  function appendOutput(level: LogLevel, text: string): void {
    if (text === '' || cut) return
    if (bytes + text.length > bytesMax) cutOff()
    else append(level, text)
  }

  function cutOff(): void {
    cut = true
    append('WARNING', `# The log ends here: it is longer than ${Math.floor(bytesMax / 1024 / 1024)} MiB.`)
  }

  /** Between pieces of output, what may be the beginning of a secret is still kept back. */
  function pause(name: 'stdout' | 'stderr'): void {
    appendOutput(levelOf[name], streams[name].partialLine())
  }

  /** A prompt or a progress line without its end shall be seen too, once it has waited for the rest of its line. */
  function showWaiting(): void {
    timer = undefined
    for (const name of ['stdout', 'stderr'] as const) {
      const isOver = streams[name].waitedMilliseconds() >= partialLineMilliseconds
      if (isOver) appendOutput(levelOf[name], streams[name].waiting())
    }
    waitForRest()
  }

  function waitForRest(): void {
    const waited = Math.max(streams.stdout.waitedMilliseconds(), streams.stderr.waitedMilliseconds())
    if (waited >= 0) timer ??= setTimeout(showWaiting, Math.max(1, partialLineMilliseconds - waited))
  }

  function flushOutput(): void {
    clearTimeout(timer)
    timer = undefined
    pause('stdout')
    pause('stderr')
    appendOutput(levelOf.stdout, streams.stdout.rest())
    appendOutput(levelOf.stderr, streams.stderr.rest())
  }

  return {
    path: options.path,
    write(level, text) {
      flushOutput()
      append(level, streams.stdout.maskWhole(text))
    },
    output(name, chunk) {
      if (cut) return
      // What leaves nothing to show counts too, as reading it costs the same.
      received += chunk.byteLength
      if (received > bytesMax) return cutOff()
      // What the other stream left unfinished came before this.
      pause(name === 'stdout' ? 'stderr' : 'stdout')
      appendOutput(levelOf[name], streams[name].lines(chunk))
      waitForRest()
    },
    flushOutput,
    async close() {
      flushOutput()
      await writing
      await sink.end()
    },
  }
}

/** One entry: a stamp, a level, and text whose further lines stand under its first. */
export function formatEntry(stamp: LogStamp, time: number, level: LogLevel, text: string): string {
  const iso = new Date(time).toISOString()
  const head = `${stamp === 'build' ? iso : iso.slice(0, 19)} [${level}]: `
  const lines = text.replace(/\n+$/, '').split('\n')
  return `${head}${lines.join(`\n${' '.repeat(head.length)}`)}\n`
}

function newStream(options: LogOptions) {
  const decoder = new TextDecoder('utf-8')
  const mask = options.newMask()
  let partial = ''
  /** Since when something is there that is not shown. */
  let since: number | undefined
  return {
    /** The whole lines that are there with this chunk. */
    lines(chunk: Uint8Array): string {
      partial += mask.write(decoder.decode(chunk, { stream: true }))
      const wholeLines = partial.lastIndexOf('\n') + 1
      const end = partial.length - wholeLines > lineCharactersMax ? partial.length : wholeLines
      const text = partial.slice(0, end)
      partial = partial.slice(end)
      if (partial === '' && !mask.keeps()) since = undefined
      else if (since === undefined || end > 0) since = performance.now()
      return tidy(text)
    },
    /** Negative where nothing waits. */
    waitedMilliseconds(): number {
      return since === undefined ? -1 : performance.now() - since
    },
    partialLine(): string {
      const text = partial + mask.pause('between lines')
      partial = ''
      if (!mask.keeps()) since = undefined
      return tidy(text)
    },
    /** What has waited, but for what would tell of a secret. */
    waiting(): string {
      const text = partial + mask.pause()
      partial = ''
      since = undefined
      return tidy(text)
    },
    rest(): string {
      since = undefined
      return tidy(mask.write(decoder.decode()) + mask.flush())
    },
    maskWhole(text: string): string {
      const whole = options.newMask()
      return tidy(whole.write(text) + whole.flush())
    },
  }
}

const escape = '\u001b'
const bell = '\u0007'
/** First what is kept, colours; then what goes: other escape sequences (ECMA-48), other control characters. */
const controls = new RegExp(
  [
    `(${escape}\\[[0-9;:]*m)`,
    `${escape}\\[[0-?]*[ -/]*[@-~]`,
    `${escape}\\][^\\p{Cc}]*(?:${bell}|${escape}\\\\)`,
    escape,
    `(?:(?!${escape})[^\\P{Cc}\\t\\n])+`,
  ].join('|'),
  'gu',
)

/**
 * Text as a terminal would have left it: of what a carriage return overwrites only the last is kept. Colours stay; what
 * would move the cursor over lines of ours, or write to the reader's clipboard, goes.
 */
function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const shown = line.replace(/\r+$/, '')
      return shown.slice(shown.lastIndexOf('\r') + 1)
    })
    .join('\n')
    .replace(controls, '$1')
}
