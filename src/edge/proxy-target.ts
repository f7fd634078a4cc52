import { isIPv6 } from 'node:net'

/** Where a rule leads to, taken apart once: decisions are carried out many times. */
export interface ProxyTarget {
  isTls: boolean
  /** As it is looked up. */
  hostname: string
  /** As the server there is told it: with the port, unless that is the usual one. */
  host: string
  port: string
  path: string
  query: string
}

/** @returns undefined for what is no URL: a rule may put anything into its target */
export function readProxyTarget(url: string): ProxyTarget | undefined {
  const parsed = URL.parse(url)
  if (!parsed) return undefined
  const { protocol, hostname, host, port, pathname: path, search: query } = parsed
  return { isTls: protocol === 'https:', hostname, host, port, path, query }
}

/** The URL of the target at an address, which is connected to without another look-up of its name. */
export function urlAt({ isTls, port, path, query }: ProxyTarget, address: string): string {
  const host = isIPv6(address) ? `[${address}]` : address
  return `${isTls ? 'https' : 'http'}://${host}${port === '' ? '' : `:${port}`}${path}${query}`
}
