import { z } from 'zod'

import { canonicalName } from '../model/domain-names.ts'
import { newId } from '../model/ids.ts'
import { isUniqueViolation, type Transaction } from '../store/database.ts'
import {
  deleteDomain,
  type DomainChange,
  findDomain,
  insertDomain,
  listDomains,
  updateDomain,
} from '../store/domain-associations.ts'
import { insertDomainHosts, listDomainHosts, replaceDomainHosts } from '../store/domain-hosts.ts'
import type { DomainAssociationRow } from '../store/schema.ts'
import type { Services } from './context.ts'
import { bareDomain, changedDomain, hostsOfSettings, refuseOwnHost, refuseTaken } from './domain-settings.ts'
import { viewDomains, viewOneDomain } from './domain-view.ts'
import { BadRequestException } from './errors.ts'
import { ownApp, ownDomain } from './look-up.ts'
import { operation } from './operation.ts'
import { pageTokens, takePage } from './pagination.ts'
import { checkPartQuota, checkSubDomainQuota } from './quotas.ts'
import * as shape from './schema.ts'

const settings = {
  enableAutoSubDomain: shape.flag.optional(),
  autoSubDomainCreationPatterns: shape.autoSubDomainCreationPatterns.optional(),
  autoSubDomainIAMRole: shape.autoSubDomainIAMRole.optional(),
  certificateSettings: shape.certificateSettings.optional(),
}

export const createDomainAssociation = operation('CreateDomainAssociation', {
  input: z.object({
    appId: shape.appId,
    domainName: shape.domainName,
    subDomainSettings: shape.subDomainSettings,
    ...settings,
  }),
  async handle({ caller, services }, { appId, subDomainSettings, ...sent }) {
    const domainName = canonicalName(sent.domainName)
    refuseOwnHost(domainName, services.domainRecords.suffix)
    checkSubDomainQuota('create', subDomainSettings.length, services.quotas)
    const now = services.now()
    const row: DomainAssociationRow = {
      domainId: newId(),
      appId,
      domainName,
      settings: changedDomain(bareDomain, sent),
      tags: {},
      status: 'CREATING',
      statusReason: null,
      updateStatus: null,
      ownedAt: null,
      checkingSince: now,
      nextCheckAt: now,
      checkedAt: null,
      checks: [],
      createdAt: now,
      updatedAt: now,
    }
    const domainAssociation = await claimHosts(services, async (transaction) => {
      const app = await ownApp(transaction, caller, { appId })
      await refuseSecond(transaction, row)
      await checkPartQuota(transaction, appId, 'domainAssociations', services.quotas)
      const hosts = await hostsOfSettings(transaction, row, app.accountId, subDomainSettings, [], services)
      await refuseTaken(transaction, row, app.accountId, hosts)
      await insertDomain(transaction, row)
      await insertDomainHosts(transaction, hosts)
      return viewOneDomain(transaction, app, row, services)
    })
    services.domainsChanged()
    return { domainAssociation }
  },
})

/** Runs `work` again where another call took a host between its look and its change: the second time it is seen. */
async function claimHosts<T>(
  { database }: Services,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return database.transaction(work).catch((error: unknown) => {
    if (!isUniqueViolation(error)) throw error
    return database.transaction(work)
  })
}

async function refuseSecond(
  transaction: Transaction,
  { appId, domainName }: DomainAssociationRow,
): Promise<void> {
  if (!(await findDomain(transaction, appId, domainName))) return
  throw new BadRequestException(
    `The domain ${domainName} is already associated with the app ${appId}. Use UpdateDomainAssociation to change it.`,
  )
}

export const getDomainAssociation = operation('GetDomainAssociation', {
  input: z.object({ appId: shape.appId, domainName: shape.domainName }),
  async handle({ caller, services }, input) {
    const { queries } = services.database
    const { app, domain } = await ownDomain(queries, caller, input)
    return { domainAssociation: await viewOneDomain(queries, app, domain, services) }
  },
})

const tokens = pageTokens('ListDomainAssociations', z.object({ createdAt: z.int(), id: z.string() }))

export const listDomainAssociations = operation('ListDomainAssociations', {
  input: z.object({ appId: shape.appId, nextToken: shape.nextToken, maxResults: shape.maxResults }),
  async handle({ caller, services }, { appId, nextToken, maxResults }) {
    const { queries } = services.database
    const app = await ownApp(queries, caller, { appId })
    const after = tokens.decode([appId], nextToken)
    const rows = await listDomains(queries, appId, { after, limit: maxResults + 1 })
    const page = takePage(rows, maxResults, ({ createdAt, domainId }) =>
      tokens.encode([appId], { createdAt, id: domainId }),
    )
    return {
      domainAssociations: await viewDomains(queries, app, page.items, services),
      nextToken: page.nextToken,
    }
  },
})

export const updateDomainAssociation = operation('UpdateDomainAssociation', {
  input: z.object({
    appId: shape.appId,
    domainName: shape.domainName,
    subDomainSettings: shape.subDomainSettings.optional(),
    ...settings,
  }),
  async handle({ caller, services }, { appId, domainName, subDomainSettings, ...sent }) {
    const domainAssociation = await claimHosts(services, async (transaction) => {
      const found = await ownDomain(transaction, caller, { appId, domainName })
      const now = Math.max(services.now(), found.domain.createdAt)
      // The first write holds the row, so that of two updates at once the second builds on the first (PostgreSQL).
      await updateDomain(transaction, found.domain.domainId, { updatedAt: now })
      const { app, domain } = await ownDomain(transaction, caller, { appId, domainName })
      if (subDomainSettings) {
        checkSubDomainQuota('update', subDomainSettings.length, services.quotas)
        const current = (await listDomainHosts(transaction, [domain.domainId]))(domain.domainId)
        const hosts = await hostsOfSettings(
          transaction,
          domain,
          app.accountId,
          subDomainSettings,
          current,
          services,
        )
        await refuseTaken(transaction, domain, app.accountId, hosts)
        await replaceDomainHosts(transaction, domain.domainId, hosts)
      }
      const change = { settings: changedDomain(domain.settings, sent), ...lookAgain(domain, now) }
      await updateDomain(transaction, domain.domainId, change)
      return viewOneDomain(transaction, app, { ...domain, ...change }, services)
    })
    services.domainsChanged()
    await services.sitesChanged()
    return { domainAssociation }
  },
})

/** A domain whose ownership was proven goes on being served; for any other the wait begins anew, with the same record. */
function lookAgain({ ownedAt }: DomainAssociationRow, now: number): DomainChange {
  const again = { statusReason: null, checkingSince: now, nextCheckAt: now }
  return ownedAt === null
    ? { ...again, status: 'PENDING_VERIFICATION' }
    : { ...again, status: 'UPDATING', updateStatus: 'PENDING_DEPLOYMENT' }
}

export const deleteDomainAssociation = operation('DeleteDomainAssociation', {
  input: z.object({ appId: shape.appId, domainName: shape.domainName }),
  async handle({ caller, services }, input) {
    const domainAssociation = await services.database.transaction(async (transaction) => {
      const { app, domain } = await ownDomain(transaction, caller, input)
      const view = await viewOneDomain(transaction, app, domain, services)
      await deleteDomain(transaction, domain.domainId)
      return view
    })
    await services.sitesChanged()
    return { domainAssociation }
  },
})
