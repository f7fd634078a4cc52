import type { Logger } from 'pino'

import { OutboundError } from '../deploy/outbound.ts'
import type { DeploymentEvent } from '../model/deployment-event.ts'
import { limits } from '../model/limits.ts'
import { findAppById } from '../store/apps.ts'
import { findBranch } from '../store/branches.ts'
import type { Database } from '../store/database.ts'
import { findJob } from '../store/jobs.ts'
import {
  claimDueNotification,
  type ClaimedNotification,
  settleNotification,
} from '../store/notification-deliveries.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { SendMail } from './mail.ts'
import { type Message, messageOf } from './message.ts'
import { pauseBeforeRetry } from './retry.ts'
import { callWebhook } from './webhook.ts'

export interface NotificationSender {
  start(): void
  /** Something is to be delivered now. */
  wake(): void
  /** Ends the attempts at hand: they are due again at once, for the next server. */
  stop(): Promise<void>
}

export interface SenderOptions {
  database: Database
  secrets: SecretBox
  /** Undefined on a server that sends no e-mail. */
  sendMail: SendMail | undefined
  privateAllowed: boolean
  siteUrl(appId: string, displayName: string): string
  /** Epoch milliseconds. */
  now(): number
  log: Logger
  /** How often due deliveries are looked for without being told; shorter in tests only. */
  pollMilliseconds?: number
}

const pollMillisecondsDefault = 1000

/**
 * Delivers what is due, one delivery to a target at a time. Several servers may do so at once: a delivery is claimed by one
 * statement, until a lease ends. It may arrive twice, when a server ends between the delivery and its record; the event's
 * id tells.
 */
export function createNotificationSender(options: SenderOptions): NotificationSender {
  const { database, secrets, now, log } = options
  const running = new Map<string, Promise<void>>()
  const stopping = new AbortController()
  let timer: ReturnType<typeof setInterval> | undefined
  let claiming = Promise.resolve()

  function wake(): void {
    if (timer === undefined) return
    claiming = claiming.then(claimDue).catch((error: unknown) => {
      // A database that cannot be reached: the next look comes soon.
      log.error({ err: error }, 'the notifications that are due cannot be found')
    })
  }

  async function claimDue(): Promise<void> {
    while (running.size < limits.notificationsAtOnceMax && !stopping.signal.aborted) {
      const claim = await claimDueNotification(database, {
        now: now(),
        leaseExpiresAt: now() + limits.notificationLeaseSeconds * 1000,
        exceptTargets: [...running.keys()],
      })
      if (!claim) return
      const { targetId } = claim.target
      const done = attempt(claim)
        // Its lease ends by itself: the delivery is due again then.
        .catch((error: unknown) => log.error({ err: error, targetId }, 'a notification failed by our doing'))
        .finally(() => {
          running.delete(targetId)
          wake()
        })
      running.set(targetId, done)
    }
  }

  async function attempt(claim: ClaimedNotification): Promise<void> {
    const { delivery } = claim
    const message = await deliver(claim).then(
      () => undefined,
      (error: unknown) => describeFailure(error),
    )
    if (message !== undefined && stopping.signal.aborted) {
      return settleNotification(database.queries, delivery, {
        nextAttemptAt: now(),
        deliveredAt: null,
        message,
      })
    }
    const pause = message === undefined ? undefined : pauseBeforeRetry(delivery.attempts)
    await settleNotification(database.queries, delivery, {
      nextAttemptAt: pause === undefined ? null : now() + pause,
      deliveredAt: message === undefined ? now() : null,
      message: message ?? null,
    })
  }

  async function deliver({ delivery, target }: ClaimedNotification): Promise<void> {
    const event = delivery.event as unknown as DeploymentEvent
    const message = await describe(event)
    const address = secrets.open<string>(target.address)
    if (target.kind === 'email') {
      if (!options.sendMail)
        throw new OutboundError('This server sends no e-mail: PREAMP_SMTP_URL is not set')
      return options.sendMail(address, message)
    }
    const secret = secrets.open<string>(target.secret!)
    const { privateAllowed } = options
    await callWebhook(
      { url: address, secret },
      { event, message },
      { privateAllowed, now: now(), signal: stopping.signal },
    )
  }

  async function describe(event: DeploymentEvent): Promise<Message> {
    const { queries } = database
    const { appId, branchName, jobId } = event.detail
    const app = await findAppById(queries, appId)
    const branch = await findBranch(queries, appId, branchName)
    const job = branch && (await findJob(queries, branch.branchId, Number(jobId)))
    return messageOf(event, {
      appName: app?.name ?? appId,
      siteUrl: branch && options.siteUrl(appId, branch.displayName),
      reason: job?.statusReason ?? null,
    })
  }

  return {
    start() {
      timer = setInterval(wake, options.pollMilliseconds ?? pollMillisecondsDefault)
      wake()
    },
    wake,
    async stop() {
      stopping.abort(new OutboundError('The server was stopped'))
      clearInterval(timer)
      timer = undefined
      await claiming
      await Promise.all(running.values())
    },
  }
}

/** For who set the target up: what a server elsewhere says, in bounds. */
function describeFailure(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.slice(0, limits.notificationMessageCharactersMax)
}
