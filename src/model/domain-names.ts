/** Names of custom domains and of the hosts below them: RFC 1035's limits, and one label that means every other one. */

const hostCharactersMax = 253
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** The one spelling in which a domain name is stored and compared: lower case, no dot at its end. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/**
 * The host of a sub-domain setting, in its one spelling.
 * @param prefix empty for the domain itself
 */
export function hostOf(prefix: string, domainName: string): string {
  return canonicalName(prefix === '' ? domainName : `${prefix}.${domainName}`)
}

/** Whether a host is the domain or lies below it. */
export function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

/** A host's first label, and the domain that it stands in. */
export function splitHost(host: string): { label: string; parent: string } {
  const dot = host.indexOf('.')
  return { label: host.slice(0, dot), parent: host.slice(dot + 1) }
}

/**
 * The wildcard that would serve a host. It stands for one label, as in certificates, so that there is one only:
 * `*.example.com` for `a.example.com`, not for `a.b.example.com`.
 */
export function wildcardOf(host: string): string {
  return `*.${splitHost(host).parent}`
}

/** Why no host can begin with this prefix, for a user to read; undefined where one can. */
export function prefixProblem(prefix: string, domainName: string): string | undefined {
  if (prefix === '') return undefined
  const labels = prefix.toLowerCase().split('.')
  if (labels.slice(1).includes('*') || /\*./.test(labels[0]!) || /.\*/.test(labels[0]!))
    return '* is a whole label and the first one, as in * or *.dev'
  if (!labels.every((part, position) => label.test(part) || (position === 0 && part === '*')))
    return 'it consists of labels of 1 to 63 of the characters a-z, 0-9 and -, without - at their ends, with dots between them'
  if (hostOf(prefix, domainName).length > hostCharactersMax)
    return `a host has ${hostCharactersMax} characters at most`
  return undefined
}
