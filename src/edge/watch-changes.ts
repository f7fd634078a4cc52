import type { Logger } from 'pino'

import { limits } from '../model/limits.ts'
import type { Database } from '../store/database.ts'

/**
 * Asks the database once a second whether anything was committed, and calls `changed` if so: a control process that dies
 * between its commit and its message leaves no edge behind.
 */
export function watchChanges(options: { database: Database; changed(): void; log: Logger }): {
  stop(): Promise<void>
} {
  const { database, changed, log } = options
  let last: string | undefined
  let reachable = true
  let asking = Promise.resolve()

  async function ask(): Promise<void> {
    try {
      const token = await database.changeToken()
      // The first one too: what was read before it may be older.
      if (token !== last) changed()
      last = token
      if (!reachable) log.info('the database answers again')
      reachable = true
    } catch (error) {
      // Said once; meanwhile visitors see what was last known.
      if (reachable) log.error({ err: error }, 'the database cannot be asked for changes')
      reachable = false
    }
  }

  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    asking = ask().finally(() => (busy = false))
  }, limits.edgePollSeconds * 1000)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await asking
    },
  }
}
