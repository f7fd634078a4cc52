import type { Services } from '../api/context.ts'
import { parseSiteHost } from '../model/site-address.ts'
import { httpsPortOf, siteSuffixOf } from './addresses.ts'
import { credentialsKeyOf, credentialsState } from './site-credentials.ts'
import type { State } from './state.ts'

/** What edges would answer. What decides it is loaded when it is first asked for. */
export function createSiteAnswers({ config, database, blobs, secrets, log }: State): Services['sites'] {
  let countryOf: ((address: string) => string | undefined) | undefined
  return {
    async find(host) {
      const { findSiteRow } = await import('../edge/find-site.ts')
      const address = parseSiteHost(host, siteSuffixOf(config))
      const found = address && (await findSiteRow(database.queries, address))
      return found && { appId: found.row.app.appId, branchName: found.row.branch.name }
    },
    async explain(question) {
      const { explain } = await import('../edge/explain.ts')
      const { openCountryFileIfUsable } = await import('../edge/country-file.ts')
      if (config.countryFile !== undefined) countryOf ??= openCountryFileIfUsable(config.countryFile, log)
      const options = {
        database,
        blobs,
        siteSuffix: siteSuffixOf(config),
        credentialsKey: credentialsKeyOf(secrets),
        credentialsState: (sealed: string | null) => credentialsState(sealed, secrets),
        plainProxies: config.proxyHttp,
        replacedMilliseconds: config.previousAssetsMinutes * 60_000,
        arrival: {
          httpsPort: httpsPortOf(config.sitesUrl) ?? undefined,
          endsTls: config.tlsCertFile !== undefined,
          isProxied: config.trustedProxies.length > 0,
        },
        countryOf,
        now: Date.now,
        log,
      }
      return explain(options, question)
    },
  }
}
