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

/**
 * Reads a Host header. The port does not matter: a proxy in front may listen on another one.
 * @param suffix host name of the sites' address, for example `localhost`
 * @returns undefined for a host that is no branch's
 */
export function parseSiteHost(
  host: string,
  suffix: string,
): { appId: string; displayName: string } | undefined {
  const name = host
    .replace(/:[0-9]*$/, '')
    .replace(/\.$/, '')
    .toLowerCase()
  if (!name.endsWith(`.${suffix.toLowerCase()}`)) return undefined
  const labels = name.slice(0, -suffix.length - 1).split('.')
  const [displayName, appId] = labels
  if (labels.length !== 2 || !displayName || !appId || !/^d[a-z0-9]{1,19}$/.test(appId)) return undefined
  return { appId, displayName }
}
