import type { Logger } from 'pino'

import type { Blobs } from './blobs/blobs.ts'
import type { Caches } from './build/caches/caches.ts'
import type { Config } from './config.ts'
import { type DataDirectory, lockBlobDeletion } from './data-directory.ts'
import { removeAccessLogs } from './deploy/remove-access-logs.ts'
import { sweepBlobs } from './deploy/sweep.ts'
import type { LatePart } from './late-part.ts'
import { limits } from './model/limits.ts'
import { forgetAuditEvents } from './store/audit-events.ts'
import type { Database } from './store/database.ts'
import { forgetNotifications } from './store/notification-deliveries.ts'
import { forgetOld } from './store/retention.ts'

interface SweepOptions {
  config: Config
  directory: DataDirectory
  database: Database
  blobs: Blobs
  caches: LatePart<Caches>
  log: Logger
}

const sweepMinutes = 10
const dayMilliseconds = 24 * 3600 * 1000

/**
 * Removes what is kept no longer, now and then: a failure is logged, and the next sweep tries again.
 * @returns how to end that; resolves when a sweep at work has ended
 */
export function sweepRegularly(options: SweepOptions): () => Promise<void> {
  const { log } = options
  async function attempt([what, act]: Chore): Promise<void> {
    try {
      log.debug({ result: await act() }, what)
    } catch (error) {
      log.error({ err: error }, `${what}: failed`)
    }
  }
  async function sweep(): Promise<void> {
    await attempt(['sweep the store', sweepStore])
    for (const chore of choresOfFolders(options)) await attempt(chore)
  }
  async function sweepStore(): Promise<string> {
    const release = lockBlobDeletion(options.directory.path, 0)
    if (!release) return 'not now: a backup copies it, or another server sweeps it'
    try {
      for (const chore of choresOfStore(options)) await attempt(chore)
    } finally {
      release()
    }
    return 'done'
  }

  // Old access logs may hold visitors' addresses: they do not wait for the first sweep.
  let sweeping = attempt(accessLogChore(options))
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep)
  }, sweepMinutes * 60_000)
  return async () => {
    clearInterval(timer)
    await sweeping
  }
}

/** What is done, for the log, and how. */
type Chore = [what: string, act: () => Promise<unknown>]

/** Not while a backup copies. Rows are forgotten before bytes are swept, so that their bytes go too. */
function choresOfStore({ config, database, blobs }: SweepOptions): Chore[] {
  const graceMilliseconds = config.blobGraceMinutes * 60_000
  return [
    [
      'forget old deployments, artifacts and logs',
      () => forgetOld(database, { newest: config.keepDeployments, since: ago(config.keepDays) }),
    ],
    ['forget old audit events', () => forgetAuditEvents(database.queries, ago(config.auditDays))],
    ['forget old notifications', () => forgetNotifications(database.queries, ago(limits.notificationDays))],
    [
      'free bytes that nothing refers to',
      () => sweepBlobs({ database, blobs, graceMilliseconds, now: Date.now }),
    ],
  ]
}

const ago = (days: number) => Date.now() - days * dayMilliseconds

function choresOfFolders(options: SweepOptions): Chore[] {
  const { database, caches } = options
  return [
    ['drop caches of what was deleted', async () => (await caches.get()).forgetDeleted(database.queries)],
    ['make room among the caches', async () => (await caches.get()).makeRoom()],
    accessLogChore(options),
  ]
}

function accessLogChore({ config, directory, database }: SweepOptions): Chore {
  return [
    'remove old access logs',
    () =>
      removeAccessLogs({
        folder: directory.accessLogs,
        queries: database.queries,
        days: config.accessLogDays,
        bytesMax: config.accessLogGiB * 1024 ** 3,
        now: Date.now(),
      }),
  ]
}
