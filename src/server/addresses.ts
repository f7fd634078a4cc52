import type { Config } from '../config.ts'

export const defaultSitesUrl = (port: number) => `http://localhost:${port}`

/** Host name of the sites' address. */
export const siteSuffixOf = (config: Config) =>
  new URL(config.sitesUrl ?? defaultSitesUrl(config.sitesPort)).hostname

/** Port of the sites' address; null where that is not HTTPS. */
export function httpsPortOf(sitesUrl: string | undefined): number | null {
  const { protocol, port } = new URL(sitesUrl ?? 'http://localhost')
  return protocol === 'https:' ? Number(port || 443) : null
}

/** An address bound to every interface is dialled at the loopback one. */
export function dialable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
