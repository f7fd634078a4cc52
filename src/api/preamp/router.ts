import type { Services } from '../context.ts'
import { NotFoundException } from '../errors.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'
import type { Target } from '../target.ts'
import { transferPrefix } from '../transfer-urls.ts'
import { health } from './health.ts'
import { handleTransfer } from './transfers.ts'

/** Our own endpoints, next to AWS's API: none of them takes AWS credentials, transfers are allowed by their signed URLs. */
export async function handlePreamp(
  request: HttpRequest,
  target: Target,
  services: Services,
): Promise<HttpResponse> {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && target.path === '/_preamp/health') return health(services)
  if (target.path.startsWith(transferPrefix)) return handleTransfer(request, services)
  throw new NotFoundException(`Preamp answers nothing to ${request.method} ${target.path}.`)
}
