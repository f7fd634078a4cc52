import type { CustomRule } from '@aws-sdk/client-amplify'

import { ownHosts } from '../deploy/own-hosts.ts'
import { appOptionsOf } from '../model/app-options.ts'
import { explainLoop, findLoop } from '../rules/loops.ts'
import type { Queries } from '../store/database.ts'
import type { AppRow } from '../store/schema.ts'
import type { Services } from './context.ts'
import { BadRequestException } from './errors.ts'

const statuses = new Set(['200', '301', '302', '404', '404-200'])

/**
 * Checks what the model's constraints leave open (contract/api-behaviour.md §2). A rule without a status stays without
 * one: Terraform would see a filled default as a difference.
 * @throws {BadRequestException}
 */
export function checkCustomRules(rules: readonly CustomRule[]): void {
  for (const { source, status } of rules) {
    if (status === undefined || statuses.has(status)) continue
    throw new BadRequestException(
      `The status ${JSON.stringify(status)} of the custom rule for ${JSON.stringify(source)} is not one of ${[...statuses].join(', ')}.`,
    )
  }
}

/**
 * Refuses rules by which visitors, or the server itself, would go in circles (contract/hosting-behaviour.md §5.6). Whatever else
 * makes no sense is saved and has no effect, as on AWS.
 * @throws {BadRequestException}
 */
export async function refuseLoops(
  queries: Queries,
  rules: readonly CustomRule[],
  app: Pick<AppRow, 'appId' | 'options'>,
  { defaultDomain, plainProxies }: Pick<Services, 'defaultDomain' | 'plainProxies'>,
): Promise<void> {
  const isOwnHost = await ownHosts(queries, app.appId, defaultDomain(app.appId))
  const loop = findLoop(rules, { ...appOptionsOf(app), plainProxies }, isOwnHost)
  if (loop) throw new BadRequestException(explainLoop(loop, rules[loop.index]!))
}
