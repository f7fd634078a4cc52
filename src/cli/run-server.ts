import { type Logger, pino } from 'pino'

import type { Config } from '../config.ts'
import { unknownVariables } from '../config/unknown-variables.ts'

/**
 * The server's log: JSON lines on standard error, so that what a command prints stays apart. What the environment holds in vain
 * is said first.
 */
export function createLogger(level: Config['logLevel']): Logger {
  const log = pino({ level }, pino.destination({ fd: 2, sync: true }))
  for (const notice of unknownVariables(process.env)) log.warn(notice)
  return log
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP. Another one, later, ends the process at once: whoever asks twice does not
 * want to wait for builds to end.
 * @param beforeExit called when it does
 */
export function untilSignal(beforeExit: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const isFirst = firstOrAgain(Date.now, () => {
      beforeExit()
      process.exit(1)
    })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (isFirst()) resolve(signal)
      })
    }
  })
}

/**
 * How long a repeated signal is the same request. A closed terminal and a supervisor signal every process of the group, so
 * that the server hears of it from them and again from npm and `bin/preamp.mjs`, which pass on what they get.
 */
const sameRequestMilliseconds = 1000

/**
 * @param again called when a signal is not the first request to stop and not its echo
 * @returns to be called at each signal; whether it is the first one
 */
export function firstOrAgain(now: () => number, again: () => void): () => boolean {
  let first: number | undefined
  return () => {
    if (first === undefined) {
      first = now()
      return true
    }
    if (now() - first >= sameRequestMilliseconds) again()
    return false
  }
}
