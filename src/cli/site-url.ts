import type { App, Branch } from '@aws-sdk/client-amplify'

import type { Config } from '../config.ts'
import { readServerFile } from './amplify-client.ts'

/**
 * Address of a site, for commands that have it from AWS's answers. `defaultDomain` says no scheme: that is what the settings say,
 * or the server of the data directory where the app is one of its own; else AWS's https, and http on this machine.
 */
export function siteUrl(
  app: Pick<App, 'defaultDomain'>,
  branch: Pick<Branch, 'displayName'>,
  config: Pick<Config, 'sitesUrl' | 'dataDir'>,
): string {
  const host = `${branch.displayName}.${app.defaultDomain}`
  return `${protocolOf(host, config)}//${host}`
}

function protocolOf(host: string, { sitesUrl, dataDir }: Pick<Config, 'sitesUrl' | 'dataDir'>): string {
  if (sitesUrl !== undefined) return new URL(sitesUrl).protocol
  const told = readServerFile(dataDir)?.sitesUrl
  if (told !== undefined && host.endsWith(`.${new URL(told).host}`)) return new URL(told).protocol
  const { hostname, port } = new URL(`http://${host}`)
  return hostname.endsWith('localhost') || port !== '' ? 'http:' : 'https:'
}
