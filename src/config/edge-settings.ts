import { z } from 'zod'

import { setting } from './setting.ts'
import { anyNetworkList, flag } from './value-schemas.ts'

/** How the sites are served. */
export const edgeSettings = {
  edgeProcesses: setting(
    'PREAMP_EDGE_PROCESSES',
    z.coerce.number().int().min(1).max(64).optional(),
    'one for each core, four at most',
    'Processes that serve the sites.',
  ),
  edgeMemoryMiB: setting(
    'PREAMP_EDGE_MEMORY_MIB',
    z.coerce.number().int().min(8).default(256),
    '256',
    'Memory in which each edge process keeps small files, in MiB.',
  ),
  previousAssetsMinutes: setting(
    'PREAMP_PREVIOUS_ASSETS_MINUTES',
    z.coerce.number().min(0).max(1440).default(10),
    '10',
    'How long visitors get files of the deployment before, but for pages, where the live one has no such file: pages that they have open go on working. In minutes; 0 is never, as on Amplify.',
  ),
  proxyHttp: setting(
    'PREAMP_PROXY_HTTP',
    flag.default(false),
    'false',
    'Whether rules with status 200 may fetch from `http://` addresses. Amplify fetches from `https://` alone.',
  ),
  trustedProxies: setting(
    'PREAMP_TRUSTED_PROXIES',
    anyNetworkList.default([]),
    'none',
    'Proxies in front of the sites: addresses or networks, separated by commas. Who asks is then whom their `X-Forwarded-For` names.',
  ),
  countryHeader: setting(
    'PREAMP_COUNTRY_HEADER',
    z
      .string()
      .regex(/^[\w-]+$/, 'must be the name of a header')
      .optional(),
    'none',
    'Header in which PREAMP_TRUSTED_PROXIES tell the country of the visitor, such as `cf-ipcountry`, for the conditions of rules.',
  ),
  countryFile: setting(
    'PREAMP_COUNTRY_FILE',
    z.string().min(1).optional(),
    'none',
    'File of countries by address in MaxMind’s format (GeoLite2 Country, DB-IP), for the conditions of rules.',
  ),
} as const
