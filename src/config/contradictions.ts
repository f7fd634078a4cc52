import type { Config } from '../config.ts'
import { isLoopbackBind } from './loopback-defaults.ts'

/** What is wrong between settings that are right each for itself. */
export function contradictions(config: Config): string[] {
  const { accessKeyId, secretAccessKey, apiPort, sitesPort } = config
  const problems: string[] = []
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    problems.push('PREAMP_ACCESS_KEY_ID and PREAMP_SECRET_ACCESS_KEY are given together or not at all')
  }
  if (apiPort === sitesPort && apiPort !== 0) {
    problems.push(
      `PREAMP_API_PORT and PREAMP_SITES_PORT are both ${apiPort}: the API and the sites need a port each`,
    )
  }
  if ((config.tlsCertFile === undefined) !== (config.tlsKeyFile === undefined)) {
    problems.push('PREAMP_TLS_CERT_FILE and PREAMP_TLS_KEY_FILE are given together or not at all')
  }
  if (config.tlsCertFile !== undefined && [apiPort, sitesPort].includes(config.sitesTlsPort)) {
    problems.push(
      `PREAMP_SITES_TLS_PORT is ${config.sitesTlsPort}, the port of something else: HTTPS needs a port of its own`,
    )
  }
  if (config.countryHeader !== undefined && config.trustedProxies.length === 0) {
    problems.push(
      'PREAMP_COUNTRY_HEADER is read from PREAMP_TRUSTED_PROXIES alone, and there are none: name the proxies, or leave it out',
    )
  }
  if (config.domainVerification === 'none' && !isLoopbackBind(config)) {
    problems.push(
      `PREAMP_DOMAIN_VERIFICATION=none lets everybody take any domain: it is for a server bound to loopback, not to ${config.host}`,
    )
  }
  return problems
}
