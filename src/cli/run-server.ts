import { type Logger, pino } from 'pino'

import type { Config } from '../config.ts'

/** The server's log: JSON lines on standard error, so that what a command prints stays apart. */
export function createLogger(level: Config['logLevel']): Logger {
  return pino({ level }, pino.destination({ fd: 2, sync: true }))
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP. A second one ends the process at once: whoever asks twice does not want
 * to wait for builds to end.
 */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve(signal)
      })
    }
  })
}
