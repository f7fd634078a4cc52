import { createHmac } from 'node:crypto'

import type { DeploymentEvent } from '../../src/model/deployment-event.ts'

/** One call as a webhook's receiver sees it. */
export interface ReceivedCall {
  headers: Headers
  body: string
  event: DeploymentEvent & { text: string }
}

export interface WebhookReceiver {
  url: string
  calls: ReceivedCall[]
  /** What the next calls are answered, in turn; 200 afterwards. */
  answers: Response[]
  stop(): Promise<void>
}

export function startWebhookReceiver(): WebhookReceiver {
  const calls: ReceivedCall[] = []
  const answers: Response[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const body = await request.text()
      calls.push({ headers: request.headers, body, event: JSON.parse(body) as ReceivedCall['event'] })
      return answers.shift() ?? new Response('ok')
    },
  })
  return { url: `http://127.0.0.1:${server.port}/hook/s3cret`, calls, answers, stop: () => server.stop(true) }
}

/** What `X-Preamp-Signature` must be, calculated as docs/notifications.md says. */
export function signatureOf({ headers, body }: ReceivedCall, secret: string): string {
  const signed = `${headers.get('x-preamp-timestamp')}.${body}`
  return `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`
}
