import type { Services } from '../context.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'
import type { Target } from '../target.ts'
import { transferPrefix } from '../transfer-urls.ts'
import { incomingWebhookPath } from '../webhook-view.ts'
import { health } from './health.ts'
import { receiveWebhook } from './incoming-webhook.ts'
import { metrics } from './metrics.ts'
import { handleTransfer } from './transfers.ts'

/**
 * Our own endpoints that take no AWS credentials: transfers are allowed by their signed URLs, incoming webhooks by the token
 * in theirs, metrics by one that the server was started with. Undefined for whatever else: see `endpoints.ts`.
 */
export async function handleOpenEndpoint(
  request: HttpRequest,
  target: Target,
  services: Services,
): Promise<HttpResponse | undefined> {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && target.path === '/_preamp/health') return health(services)
  if (isRead && target.path === '/_preamp/metrics') return metrics(request, services)
  if (target.path.startsWith(transferPrefix)) return handleTransfer(request, services)
  if (target.path === incomingWebhookPath) return receiveWebhook(request, target, services)
  return undefined
}
