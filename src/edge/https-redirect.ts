import type { Answer } from './answer.ts'
import { withoutContent } from './pages.ts'
import { splitUrl } from './split-url.ts'
import type { Visitor } from './visitors.ts'

/**
 * Sends whoever came by plain HTTP to the same address by HTTPS, as CloudFront does: with 301, and with 307 where the method
 * and body would be lost (contract/hosting-behaviour.md §5.1). Nobody whose scheme is not known is sent anywhere: behind a
 * proxy that ends TLS and says nothing of it, that would go in circles.
 * @param port of the HTTPS address
 */
export function redirectToHttps(
  { method, url }: Pick<Request, 'method' | 'url'>,
  visitor: Pick<Visitor, 'scheme'>,
  port: number,
): Answer | undefined {
  if (visitor.scheme() !== 'http') return undefined
  const { host, path, query } = splitUrl(url)
  const name = host.replace(/:[0-9]*$/, '')
  const status = method === 'GET' || method === 'HEAD' ? 301 : 307
  const location = `https://${name}${port === 443 ? '' : `:${port}`}${path}${query}`
  return withoutContent(status, { location, 'cache-control': 'no-store' })
}
