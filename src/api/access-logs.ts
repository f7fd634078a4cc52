import { z } from 'zod'

import { hourOf } from '../model/access-log.ts'
import { canonicalName } from '../model/domain-names.ts'
import { limits } from '../model/limits.ts'
import { findBranchByDisplayName } from '../store/branches.ts'
import { findDomain } from '../store/domain-associations.ts'
import type { OperationContext, Services } from './context.ts'
import { BadRequestException, NotFoundException } from './errors.ts'
import { ownApp } from './look-up.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'
import type { AccessLogRange } from './transfer-urls.ts'

const windowMilliseconds = limits.accessLogDaysAtOnceMax * 24 * 3600_000

/** The log itself is put together when the URL is asked for it: see `preamp/access-log.ts`. */
export const generateAccessLogs = operation('GenerateAccessLogs', {
  input: z.object({
    appId: shape.appId,
    // A branch's host may come as our `defaultDomain` shows it, with a port.
    domainName: z.string().transform(withoutPort).pipe(shape.domainName),
    startTime: shape.timestamp.optional(),
    endTime: shape.timestamp.optional(),
  }),
  async handle(context, { appId, domainName, startTime, endTime }) {
    const { apiUrl, caller, services } = context
    await ownApp(services.database.queries, caller, { appId })
    requireAccessLogs(services)
    const of = await findHosts(context, appId, domainName)
    const { from, to } = readHours(startTime?.getTime(), endTime?.getTime(), services.now())
    const logUrl = services.transferUrls.sign(
      apiUrl,
      [appId, 'access-logs', `${domainName}_${from}_${to}.csv`],
      { kind: 'access-log', appId, of, from, to },
      services.now() + limits.downloadUrlSecondsMax * 1000,
    )
    return { logUrl }
  },
})

/** @throws {BadRequestException} where visits are not logged */
export function requireAccessLogs({ accessLogs }: Pick<Services, 'accessLogs'>): void {
  if (accessLogs.isOn) return
  throw new BadRequestException(
    'This server writes no access logs. They are turned on with the setting PREAMP_ACCESS_LOG_DAYS.',
  )
}

/**
 * The hosts that a name means: a branch's own, those of all branches, or those of a domain association.
 * @throws {NotFoundException} for any other, a sub-domain of an association too (contract/hosting-behaviour.md §8.2)
 */
async function findHosts(
  { services }: OperationContext,
  appId: string,
  domainName: string,
): Promise<AccessLogRange['of']> {
  const { queries } = services.database
  const name = canonicalName(domainName)
  const defaultDomain = canonicalName(withoutPort(services.defaultDomain(appId)))
  if (name === defaultDomain) return { domain: name }
  if (name.endsWith(`.${defaultDomain}`)) {
    const displayName = name.slice(0, -defaultDomain.length - 1)
    if (await findBranchByDisplayName(queries, appId, displayName)) return { host: name }
  } else if (await findDomain(queries, appId, name)) {
    return { domain: name }
  }
  throw new NotFoundException(
    `Domain ${domainName} not found in app ${appId}. Name a branch by its host, all of them by ${defaultDomain}, or a custom domain by the root name of its domain association.`,
  )
}

/**
 * The hours from one time to another, both whole, as AWS answers them.
 * @param start epoch milliseconds; by default as early as may be
 * @param end epoch milliseconds; by default now
 */
function readHours(
  start: number | undefined,
  end: number | undefined,
  now: number,
): Pick<AccessLogRange, 'from' | 'to'> {
  const last = end ?? now
  const first = start ?? last - windowMilliseconds
  if (first > last) {
    const what = end === undefined ? 'now, which stands for an absent endTime' : 'endTime'
    throw new BadRequestException(`startTime is later than ${what}.`)
  }
  if (last - first > windowMilliseconds) {
    throw new BadRequestException(
      `Access logs are answered for ${limits.accessLogDaysAtOnceMax} days at the most. Ask for a shorter time between startTime and endTime.`,
    )
  }
  return { from: hourOf(first), to: hourOf(last) }
}

function withoutPort(host: string): string {
  return host.replace(/:[0-9]{1,5}$/, '')
}
