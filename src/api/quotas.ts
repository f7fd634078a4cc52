import type { Quotas } from '../model/quotas.ts'
import type { Transaction } from '../store/database.ts'
import { type AppPart, countAppCreation, countApps, countPartsOfApp } from '../store/quotas.ts'
import type { Services } from './context.ts'
import { BadRequestException, LimitExceededException, NotFoundException } from './errors.ts'

/**
 * Each check is made in the transaction that inserts, before it does: it holds what it counted until that ends, so that
 * two calls at once cannot both pass. A refusal is AWS's LimitExceeded, which the model lists for the operations that
 * create; the message of CreateApp is AWS's (contract/api-behaviour.md §2), the others are in its style.
 */

/** @throws {LimitExceededException} when the account has as many apps, or made as many in this hour, as it may */
export async function checkAppQuotas(
  transaction: Transaction,
  accountId: string,
  { quotas, now }: Pick<Services, 'quotas' | 'now'>,
): Promise<void> {
  const creations = await countAppCreation(transaction, accountId, now())
  if ((await countApps(transaction, accountId)) >= quotas.appsMax) {
    throw new LimitExceededException(
      'Failed to create app. You have reached the maximum number of apps in this account.',
    )
  }
  if (creations > quotas.appCreationsPerHourMax) {
    throw new LimitExceededException(
      'Failed to create app. You have reached the maximum number of app creations per hour in this account.',
    )
  }
}

const parts = {
  branches: { quota: 'branchesPerAppMax', one: 'branch', many: 'branches' },
  webhooks: { quota: 'webhooksPerAppMax', one: 'webhook', many: 'webhooks' },
  domainAssociations: { quota: 'domainsPerAppMax', one: 'domain association', many: 'domains' },
  backendEnvironments: {
    quota: 'backendEnvironmentsPerAppMax',
    one: 'backend environment',
    many: 'backend environments',
  },
} as const satisfies Record<AppPart, { quota: keyof Quotas; one: string; many: string }>

/**
 * @throws {LimitExceededException} when the app has as many of these as it may
 * @throws {NotFoundException} when the app was deleted meanwhile
 */
export async function checkPartQuota(
  transaction: Transaction,
  appId: string,
  part: AppPart,
  quotas: Quotas,
): Promise<void> {
  const count = await countPartsOfApp(transaction, appId, part)
  if (count === undefined) throw new NotFoundException(`App ${appId} not found.`)
  const { quota, one, many } = parts[part]
  if (count < quotas[quota]) return
  throw new LimitExceededException(
    `Failed to create ${one}. You have reached the maximum number of ${many} in this app.`,
  )
}

/**
 * @param count sub-domains that the association is to have
 * @throws {LimitExceededException} from CreateDomainAssociation, {BadRequestException} from UpdateDomainAssociation, whose
 * model has no other
 */
export function checkSubDomainQuota(verb: 'create' | 'update', count: number, quotas: Quotas): void {
  if (count <= quotas.subDomainsPerDomainMax) return
  const Refusal = verb === 'create' ? LimitExceededException : BadRequestException
  throw new Refusal(
    `Failed to ${verb} domain association. A domain can have at most ${quotas.subDomainsPerDomainMax} sub-domains.`,
  )
}
