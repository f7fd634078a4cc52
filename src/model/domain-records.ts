import { createHmac } from 'node:crypto'

import type { Scope } from './arn.ts'
import { canonicalName } from './domain-names.ts'

/** The DNS records that a domain association asks for. Names are absolute, in lower case, without the dot at their end. */
export interface DomainRecords {
  /**
   * Proves who may use the domain. Derived from account, region, app and domain: the same after a restart, and when the
   * association is made again. Only somebody who can write the domain's DNS can set it, and nobody else's looks like it.
   */
  ownership(scope: Scope, appId: string, domainName: string): { name: string; value: string }
  /** Where the hosts of an app lead. */
  target(appId: string): string
  /** A host that only its wildcard answers for: the DNS cannot be asked for a wildcard itself. */
  probe(wildcardHost: string): string
  /** The name below which all sites lie. */
  suffix: string
}

/**
 * @param key for this purpose alone
 * @param sitesSuffix host name of the sites' address
 */
export function domainRecords(key: Buffer, sitesSuffix: string): DomainRecords {
  const suffix = canonicalName(sitesSuffix)
  const derive = (...parts: string[]) =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('hex').slice(0, 32)
  return {
    suffix,
    ownership: ({ accountId, region }, appId, domainName) => ({
      name: `_${derive('name', accountId, region, appId, domainName)}.${domainName}`,
      value: `_${derive('value', accountId, region, appId, domainName)}.validations.${suffix}`,
    }),
    target: (appId) => `${appId}.${suffix}`,
    probe: (wildcardHost) => wildcardHost.replace('*', `x${derive('probe', wildcardHost).slice(0, 16)}`),
  }
}

/** As AWS writes it: absolute names with their dots (contract/api-behaviour.md §6). */
export const ownershipRecordText = ({ name, value }: { name: string; value: string }) =>
  `${name}. CNAME ${value}.`

/** As AWS writes it: the prefix and a target without a dot; the domain's own begins with a space. */
export const subDomainRecordText = (prefix: string, target: string) => `${prefix} CNAME ${target}`
