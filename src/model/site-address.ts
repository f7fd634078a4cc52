import { canonicalName, isWithin } from './domain-names.ts'
import { type JobAddress, parsePermanentLabel } from './permanent-address.ts'

/** How sites are addressed: `<displayName>.<appId>.<suffix>[:port]` (contract/hosting-behaviour.md §5.1). */
export interface SiteAddresses {
  /** `defaultDomain` of an app; includes a port that is not the scheme's own. */
  defaultDomain(appId: string): string
  /** Address of a branch's site, without a slash at its end. */
  siteUrl(appId: string, displayName: string): string
  /** The Host header under which a branch is served. */
  siteHost(appId: string, displayName: string): string
}

/** @param sitesUrl address of the sites as visitors see it, for example `http://localhost:4780` */
export function siteAddresses(sitesUrl: string): SiteAddresses {
  const { protocol, host } = new URL(sitesUrl)
  const siteHost = (appId: string, displayName: string) => `${displayName}.${appId}.${host}`
  return {
    defaultDomain: (appId) => `${appId}.${host}`,
    siteHost,
    siteUrl: (appId, displayName) => `${protocol}//${siteHost(appId, displayName)}`,
  }
}

/** Two labels at the least, the last of which is no number: that would be an IP address. */
const domainHost = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?![0-9]+$)[a-z0-9-]+$/

/** What a Host header names: a branch by its own address, one of its jobs, or a branch by a custom domain. */
export type NamedHost =
  | { kind: 'branch'; name: string; appId: string; displayName: string }
  /** A branch that was made before such names were reserved may be called so, too: `displayName` is that of the branch then. */
  | { kind: 'job'; name: string; appId: string; displayName: string; job: JobAddress }
  | { kind: 'domain'; name: string }

/**
 * Reads a Host header. The port does not matter: a proxy in front may listen on another one.
 * @param suffix host name of the sites' address, for example `localhost`
 * @returns undefined for a host that can be nobody's
 */
export function parseSiteHost(host: string, suffix: string): NamedHost | undefined {
  const name = canonicalName(host.replace(/:[0-9]*$/, ''))
  if (!isWithin(name, canonicalName(suffix)))
    return domainHost.test(name) ? { kind: 'domain', name } : undefined
  const labels = name.slice(0, -suffix.length - 1).split('.')
  const [displayName, appId] = labels
  if (labels.length !== 2 || !displayName || !appId || !/^d[a-z0-9]{1,19}$/.test(appId)) return undefined
  const job = parsePermanentLabel(displayName)
  return job ? { kind: 'job', name, appId, displayName, job } : { kind: 'branch', name, appId, displayName }
}
