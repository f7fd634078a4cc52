import { createHmac } from 'node:crypto'

import { type HostOptions, OutboundError, postOutbound } from '../deploy/outbound.ts'
import type { DeploymentEvent } from '../model/deployment-event.ts'
import { limits } from '../model/limits.ts'
import type { Message } from './message.ts'

/**
 * POSTs an event to a user's URL, signed: `X-Preamp-Signature` is the HMAC-SHA256, in hex behind `sha256=`, of the time in
 * `X-Preamp-Timestamp` (epoch seconds), a dot and the body. The body is the event and `text`, the member that Slack shows.
 * @throws {OutboundError} when it was not accepted by a status between 200 and 299
 */
export async function callWebhook(
  target: { url: string; secret: string },
  { event, message }: { event: DeploymentEvent; message: Message },
  { now, ...options }: HostOptions & { now: number; signal: AbortSignal },
): Promise<void> {
  const body = JSON.stringify({ ...event, text: slackText(message.text) })
  const timestamp = String(Math.floor(now / 1000))
  const signature = createHmac('sha256', target.secret).update(`${timestamp}.${body}`).digest('hex')
  const status = await postOutbound(target.url, {
    ...options,
    secondsMax: limits.notificationSecondsMax,
    body,
    headers: {
      'content-type': 'application/json',
      'x-preamp-event': event.id,
      'x-preamp-timestamp': timestamp,
      'x-preamp-signature': `sha256=${signature}`,
    },
  })
  if (status < 200 || status > 299) throw new OutboundError(`The URL answered with status ${status}`)
}

/** Slack reads these three as markup, and branches may be called anything. */
const slackText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
