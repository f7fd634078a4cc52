import { afterAll, beforeAll, expect, test } from 'bun:test'

import { NoResultError } from 'kysely'

import { compiledQueries } from '../../test/support/compiled-queries.ts'
import { webhookDeliveryRow } from '../../test/support/rows.ts'
import { findAccessKey } from './access-keys.ts'
import { findApp, listApps, listKnownAppIds } from './apps.ts'
import { findArtifact, findTestConfig, listTestArtifacts } from './artifacts.ts'
import { forgetAuditEvents, listAuditEvents } from './audit-events.ts'
import {
  deleteBackendEnvironment,
  findBackendEnvironment,
  listBackendEnvironments,
} from './backend-environments.ts'
import { findBranchOverviews } from './branch-overview.ts'
import { findBranch, findBranchByDisplayName, listBranches, takeJobNumber } from './branches.ts'
import { deleteBranchSecrets, findBuildSecrets, listBuildSecrets } from './build-secrets.ts'
import { takeNextJob } from './claims.ts'
import { type Database, openDatabase, type Queries, type Transaction } from './database.ts'
import {
  findDeploymentOfJob,
  findSite,
  findSiteOfJob,
  forgetJoblessDeployments,
  listReplacedDeployments,
} from './deployments.ts'
import {
  claimDueDomain,
  findDomain,
  findDomainOwner,
  findDomainSettings,
  listDomains,
  listOwnedDomains,
  settleDomain,
} from './domain-associations.ts'
import { findOwnedHosts, hasHost, listDomainHosts, listTakenHosts } from './domain-hosts.ts'
import { findEnvironmentCache } from './environment-caches.ts'
import {
  changeJob,
  countRunningJobs,
  countWaitingJobs,
  deleteJob,
  findJob,
  findLastBuiltCommit,
  listAbandonedUploads,
  listCancelling,
  listExpiredLeases,
  listJobs,
  listUnfinishedJobs,
  renewLease,
} from './jobs.ts'
import { claimDueNotification, forgetNotifications, listNotifications } from './notification-deliveries.ts'
import { listNotificationTargets } from './notification-targets.ts'
import { countApps } from './quotas.ts'
import { listDeployedJobs } from './rollback.ts'
import { listSteps } from './steps.ts'
import { changeTags, readTags } from './tags.ts'
import { findUpload, listUploads } from './uploads.ts'
import { listWebhookDeliveries, recordWebhookDelivery } from './webhook-deliveries.ts'
import { findWebhook, listWebhooks, updateWebhook } from './webhooks.ts'

const scope = { accountId: '000000000000', region: 'us-east-1' }
const claim = { owner: 'worker', now: 1, leaseExpiresAt: 2, accountJobsMax: 5 }

let database: Database
beforeAll(async () => {
  database = await openDatabase('sqlite::memory:')
})
afterAll(() => database.close())

async function plansOf(run: (queries: Queries) => Promise<unknown>): Promise<string[]> {
  const plans: string[] = []
  for (const query of await compiledQueries('sqlite', run)) {
    const { rows } = await database.queries.executeQuery<{ detail: string }>({
      ...query,
      sql: `explain query plan ${query.sql}`,
    })
    plans.push(...rows.map(({ detail }) => detail))
  }
  return plans
}

/** Nothing is found where nothing is run. */
function foundNothing(error: unknown): void {
  if (!(error instanceof NoResultError)) throw error
}

/** All steps of each plan. None reads a whole table; what is sorted are a job's three steps. */
test.each<[string, (queries: Queries) => Promise<unknown>, string[]]>([
  [
    'findJob',
    (q) => findJob(q, 'b', 1),
    ['SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (branchId=? AND number=?)'],
  ],
  [
    'findLastBuiltCommit',
    (q) => findLastBuiltCommit(q, 'b'),
    ['SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (branchId=?)'],
  ],
  [
    'listBuildSecrets',
    (q) => listBuildSecrets(q, 'a'),
    ['SEARCH buildSecrets USING INDEX sqlite_autoindex_buildSecrets_1 (appId=?)'],
  ],
  [
    'findBuildSecrets',
    (q) => findBuildSecrets(q, { appId: 'a', branchName: 'main' }),
    ['SEARCH buildSecrets USING INDEX sqlite_autoindex_buildSecrets_1 (appId=? AND branchName=?)'],
  ],
  [
    'deleteBranchSecrets',
    (q) => deleteBranchSecrets(q, { appId: 'a', branchName: 'main' }),
    ['SEARCH buildSecrets USING COVERING INDEX sqlite_autoindex_buildSecrets_1 (appId=? AND branchName=?)'],
  ],
  [
    'findEnvironmentCache',
    (q) => findEnvironmentCache(q, 'b'),
    ['SEARCH environmentCaches USING INDEX sqlite_autoindex_environmentCaches_1 (branchId=?)'],
  ],
  [
    'listJobs',
    (q) => listJobs(q, 'b', { limit: 50 }),
    ['SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (branchId=?)'],
  ],
  [
    'listJobs, later pages',
    (q) => listJobs(q, 'b', { before: 9, limit: 50 }),
    ['SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (branchId=? AND number<?)'],
  ],
  [
    'takeJobNumber',
    (q) => takeJobNumber(q as Transaction, 'b').catch(foundNothing),
    ['SEARCH branches USING INDEX sqlite_autoindex_branches_1 (branchId=?)'],
  ],
  [
    'deleteJob, with what goes by its references',
    (q) => deleteJob(q as Transaction, 'j', ['SUCCEED']),
    [
      'SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (jobKey=?)',
      'SEARCH artifacts USING COVERING INDEX sqlite_autoindex_artifacts_2 (jobKey=?)',
      'SEARCH uploads USING COVERING INDEX sqlite_autoindex_uploads_1 (jobKey=?)',
      'SEARCH deployments USING COVERING INDEX deploymentsByJob (jobKey=?)',
      'SEARCH steps USING COVERING INDEX sqlite_autoindex_steps_1 (jobKey=?)',
    ],
  ],
  [
    'findBranchOverviews',
    (q) => findBranchOverviews(q, ['b']),
    [
      'SEARCH branches USING INDEX sqlite_autoindex_branches_1 (branchId=?)',
      'SEARCH deployments USING INDEX sqlite_autoindex_deployments_1 (deploymentId=?)',
      'SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (jobKey=?)',
    ],
  ],
  ['findApp', (q) => findApp(q, scope, 'd'), ['SEARCH apps USING INDEX sqlite_autoindex_apps_1 (appId=?)']],
  [
    'countApps',
    // Nothing is run, so that there is no row with a number.
    (q) => countApps(q, scope.accountId).catch(() => undefined),
    ['SEARCH apps USING COVERING INDEX appsByAccount (accountId=?)'],
  ],
  [
    'listApps',
    (q) => listApps(q, scope, { limit: 50 }),
    ['SEARCH apps USING INDEX appsByAccount (accountId=? AND region=?)'],
  ],
  [
    'listApps, later pages',
    (q) => listApps(q, scope, { after: { createdAt: 1, id: 'd' }, limit: 50 }),
    ['SEARCH apps USING INDEX appsByAccount (accountId=? AND region=? AND (createdAt,appId)>(?,?))'],
  ],
  [
    'listKnownAppIds',
    (q) => listKnownAppIds(q, ['d', 'e']),
    ['SEARCH apps USING COVERING INDEX sqlite_autoindex_apps_1 (appId=?)'],
  ],
  [
    'listBranches',
    (q) => listBranches(q, 'd', { limit: 50 }),
    ['SEARCH branches USING INDEX branchesByCreation (appId=?)'],
  ],
  [
    'listBranches, later pages',
    (q) => listBranches(q, 'd', { after: { createdAt: 1, id: 'b' }, limit: 50 }),
    ['SEARCH branches USING INDEX branchesByCreation (appId=? AND (createdAt,branchId)>(?,?))'],
  ],
  [
    'findBranch',
    (q) => findBranch(q, 'd', 'main'),
    ['SEARCH branches USING INDEX sqlite_autoindex_branches_2 (appId=? AND name=?)'],
  ],
  [
    'findBranchByDisplayName',
    (q) => findBranchByDisplayName(q, 'd', 'main'),
    ['SEARCH branches USING INDEX sqlite_autoindex_branches_3 (appId=? AND displayName=?)'],
  ],
  [
    'findSite',
    (q) => findSite(q, 'd', 'main'),
    [
      'SEARCH branches USING INDEX sqlite_autoindex_branches_3 (appId=? AND displayName=?)',
      'SEARCH deployments USING INDEX sqlite_autoindex_deployments_1 (deploymentId=?) LEFT-JOIN',
    ],
  ],
  [
    'findSiteOfJob',
    (q) => findSiteOfJob(q, 'd', { branch: 'main', jobNumber: 7 }),
    [
      'SEARCH branches USING INDEX sqlite_autoindex_branches_3 (appId=? AND displayName=?)',
      'SEARCH deployments USING INDEX sqlite_autoindex_deployments_1 (deploymentId=?) LEFT-JOIN',
    ],
  ],
  [
    'listReplacedDeployments',
    (q) => listReplacedDeployments(q, 'b', { since: 0, limit: 10 }),
    ['SEARCH deployments USING INDEX replacedDeployments (branchId=? AND replacedAt>?)'],
  ],
  [
    'takeNextJob',
    (q) => takeNextJob(q, 'sqlite', claim),
    [
      'SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (jobKey=?)',
      'SCALAR SUBQUERY 5',
      'SCAN candidate USING INDEX pendingJobs',
      'CORRELATED SCALAR SUBQUERY 2',
      'SEARCH busy USING INDEX oneRunningJobPerBranch (branchId=?)',
      'SEARCH branches USING INDEX sqlite_autoindex_branches_1 (branchId=?)',
      'SEARCH apps USING INDEX sqlite_autoindex_apps_1 (appId=?)',
      'CORRELATED SCALAR SUBQUERY 3',
      'MATERIALIZE running',
      'SCAN jobs USING INDEX oneRunningJobPerBranch',
      'SEARCH branches USING INDEX sqlite_autoindex_branches_1 (branchId=?)',
      'SEARCH apps USING INDEX sqlite_autoindex_apps_1 (appId=?)',
      'BLOOM FILTER ON running (accountId=?)',
      'SEARCH running USING AUTOMATIC COVERING INDEX (accountId=?)',
      'SEARCH appTurns USING INDEX sqlite_autoindex_appTurns_1 (appId=?) LEFT-JOIN',
      'CORRELATED SCALAR SUBQUERY 4',
      'BLOOM FILTER ON running (appId=?)',
      'SEARCH running USING AUTOMATIC COVERING INDEX (appId=?)',
      'USE TEMP B-TREE FOR ORDER BY',
    ],
  ],
  ['listExpiredLeases', (q) => listExpiredLeases(q, 1), ['SCAN jobs USING INDEX oneRunningJobPerBranch']],
  ['listCancelling', (q) => listCancelling(q, 'worker'), ['SCAN jobs USING INDEX oneRunningJobPerBranch']],
  [
    'listAbandonedUploads',
    (q) => listAbandonedUploads(q, 1),
    ['SCAN jobs USING INDEX oneWaitingJobPerBranch'],
  ],
  [
    'countWaitingJobs',
    (q) => countWaitingJobs(q).catch(foundNothing),
    ['SCAN jobs USING COVERING INDEX pendingJobs'],
  ],
  [
    'countRunningJobs',
    (q) => countRunningJobs(q).catch(foundNothing),
    ['SCAN jobs USING INDEX oneRunningJobPerBranch'],
  ],
  [
    'listUnfinishedJobs',
    (q) => listUnfinishedJobs(q, 'b'),
    ['SEARCH jobs USING INDEX unfinishedJobs (branchId=?)'],
  ],
  [
    'renewLease',
    (q) => renewLease(q, 'j', 'worker', 1),
    ['SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (jobKey=?)'],
  ],
  [
    'changeJob',
    (q) => changeJob(q, 'j', ['RUNNING'], { status: 'FAILED' }),
    ['SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (jobKey=?)'],
  ],
  [
    'listSteps',
    (q) => listSteps(q, 'j'),
    ['SEARCH steps USING INDEX sqlite_autoindex_steps_1 (jobKey=?)', 'USE TEMP B-TREE FOR ORDER BY'],
  ],
  [
    'findUpload',
    (q) => findUpload(q, 'j', 'f'),
    ['SEARCH uploads USING INDEX sqlite_autoindex_uploads_1 (jobKey=? AND name=?)'],
  ],
  [
    'listUploads',
    (q) => listUploads(q, 'j'),
    ['SEARCH uploads USING INDEX sqlite_autoindex_uploads_1 (jobKey=?)'],
  ],
  [
    'findArtifact',
    (q) => findArtifact(q, 'a'),
    ['SEARCH artifacts USING INDEX sqlite_autoindex_artifacts_1 (artifactId=?)'],
  ],
  [
    'listTestArtifacts',
    (q) => listTestArtifacts(q, 'j', { after: 'f', limit: 50 }),
    ['SEARCH artifacts USING INDEX sqlite_autoindex_artifacts_2 (jobKey=? AND kind=? AND fileName>?)'],
  ],
  [
    'findTestConfig',
    (q) => findTestConfig(q, 'j'),
    ['SEARCH artifacts USING INDEX sqlite_autoindex_artifacts_2 (jobKey=? AND kind=?)'],
  ],
  [
    'findDeploymentOfJob',
    (q) => findDeploymentOfJob(q, 'j'),
    ['SEARCH deployments USING INDEX deploymentsByJob (jobKey=?)'],
  ],
  [
    'forgetJoblessDeployments',
    (q) => forgetJoblessDeployments(q, 'b'),
    [
      'SEARCH deployments USING INDEX deploymentsByBranch (branchId=?)',
      'LIST SUBQUERY 1',
      'SEARCH branches USING INDEX sqlite_autoindex_branches_1 (branchId=?)',
      'CREATE BLOOM FILTER',
    ],
  ],
  [
    'findDomain',
    (q) => findDomain(q, 'd', 'example.com'),
    [
      'SEARCH domainAssociations USING INDEX sqlite_autoindex_domainAssociations_2 (appId=? AND domainName=?)',
    ],
  ],
  [
    'findDomainOwner',
    (q) => findDomainOwner(q, 'example.com'),
    ['SEARCH domainAssociations USING INDEX ownedDomains (domainName=?)'],
  ],
  [
    'findDomainSettings',
    (q) => findDomainSettings(q, 'd'),
    ['SEARCH domainAssociations USING INDEX sqlite_autoindex_domainAssociations_1 (domainId=?)'],
  ],
  [
    'listDomains',
    (q) => listDomains(q, 'd', { limit: 50 }),
    ['SEARCH domainAssociations USING INDEX domainAssociationsByCreation (appId=?)'],
  ],
  [
    'listDomains, later pages',
    (q) => listDomains(q, 'd', { after: { createdAt: 1, id: 'd' }, limit: 50 }),
    [
      'SEARCH domainAssociations USING INDEX domainAssociationsByCreation (appId=? AND (createdAt,domainId)>(?,?))',
    ],
  ],
  [
    'listOwnedDomains',
    (q) => listOwnedDomains(q, 'd'),
    ['SEARCH domainAssociations USING INDEX domainAssociationsByCreation (appId=?)'],
  ],
  [
    'listDeployedJobs',
    (q) => listDeployedJobs(q, 'b', { limit: 50 }),
    [
      'SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (branchId=?)',
      'SEARCH deployments USING INDEX deploymentsByJob (jobKey=?)',
    ],
  ],
  [
    'listDeployedJobs, before another',
    (q) => listDeployedJobs(q, 'b', { before: 9, limit: 1 }),
    [
      'SEARCH jobs USING INDEX sqlite_autoindex_jobs_2 (branchId=? AND number<?)',
      'SEARCH deployments USING INDEX deploymentsByJob (jobKey=?)',
    ],
  ],
  [
    'claimDueDomain',
    (queries) => claimDueDomain({ ...database, queries }, { now: 1, leaseExpiresAt: 2, exceptAccounts: [] }),
    [
      'SEARCH domainAssociations USING INDEX sqlite_autoindex_domainAssociations_1 (domainId=?)',
      'SCALAR SUBQUERY 1',
      'SEARCH due USING INDEX dueDomainChecks (nextCheckAt<?)',
    ],
  ],
  [
    'claimDueDomain, but for some accounts',
    (queries) =>
      claimDueDomain({ ...database, queries }, { now: 1, leaseExpiresAt: 2, exceptAccounts: ['a'] }),
    [
      'SEARCH domainAssociations USING INDEX sqlite_autoindex_domainAssociations_1 (domainId=?)',
      'SCALAR SUBQUERY 1',
      'SEARCH due USING INDEX dueDomainChecks (nextCheckAt<?)',
      'SEARCH apps USING INDEX sqlite_autoindex_apps_1 (appId=?)',
    ],
  ],
  [
    'settleDomain',
    (q) => settleDomain(q as never, { domainId: 'd', nextCheckAt: 1 } as never, { nextCheckAt: null }),
    ['SEARCH domainAssociations USING INDEX sqlite_autoindex_domainAssociations_1 (domainId=?)'],
  ],
  [
    'listDomainHosts',
    (q) => listDomainHosts(q, ['d']),
    [
      'SEARCH domainHosts USING INDEX sqlite_autoindex_domainHosts_1 (domainId=?)',
      'USE TEMP B-TREE FOR ORDER BY',
    ],
  ],
  [
    'listTakenHosts',
    (q) => listTakenHosts(q, { domainId: 'd', accountId: 'a' }, ['a.example', 'b.example']),
    [
      'MERGE (UNION)',
      'LEFT',
      'SEARCH domainHosts USING INDEX oneHostPerAccount (accountId=? AND host=?)',
      'RIGHT',
      'SEARCH domainHosts USING INDEX oneOwnerPerHost (host=?)',
    ],
  ],
  [
    'findOwnedHosts',
    (q) => findOwnedHosts(q, ['a.example', '*.example']),
    [
      'SEARCH domainHosts USING INDEX oneOwnerPerHost (host=?)',
      'SEARCH domainAssociations USING INDEX sqlite_autoindex_domainAssociations_1 (domainId=?)',
    ],
  ],
  [
    'hasHost',
    (q) => hasHost(q, 'd', 'main'),
    ['SEARCH domainHosts USING INDEX sqlite_autoindex_domainHosts_1 (domainId=?)'],
  ],
  [
    'listAuditEvents',
    (q) => listAuditEvents(q, { accountId: '0', region: 'r' }, { limit: 50 }),
    ['SEARCH auditEvents USING INDEX auditEventsByTime (accountId=?)'],
  ],
  [
    'listAuditEvents, later pages',
    (q) =>
      listAuditEvents(
        q,
        { accountId: '0', region: 'r' },
        { before: { createdAt: 1, requestId: 'r' }, limit: 50 },
      ),
    ['SEARCH auditEvents USING INDEX auditEventsByTime (accountId=? AND (createdAt,requestId)<(?,?))'],
  ],
  [
    'forgetAuditEvents',
    (q) => forgetAuditEvents(q, 1),
    ['SEARCH auditEvents USING INDEX auditEventsByAge (createdAt<?)'],
  ],
  [
    'findWebhook',
    (q) => findWebhook(q, 'w'),
    ['SEARCH webhooks USING INDEX sqlite_autoindex_webhooks_1 (webhookId=?)'],
  ],
  [
    'updateWebhook',
    (q) => updateWebhook(q, 'w', { updatedAt: 1 }),
    ['SEARCH webhooks USING INDEX sqlite_autoindex_webhooks_1 (webhookId=?)'],
  ],
  [
    'listWebhooks',
    (q) => listWebhooks(q, 'd', { limit: 50 }),
    ['SEARCH webhooks USING INDEX webhooksByCreation (appId=?)'],
  ],
  [
    'listWebhooks, later pages',
    (q) => listWebhooks(q, 'd', { after: { createdAt: 1, id: 'w' }, limit: 50 }),
    ['SEARCH webhooks USING INDEX webhooksByCreation (appId=? AND (createdAt,webhookId)>(?,?))'],
  ],
  [
    'listWebhookDeliveries',
    (q) => listWebhookDeliveries(q, 'w', 100),
    ['SEARCH webhookDeliveries USING INDEX webhookDeliveriesByTime (webhookId=?)'],
  ],
  [
    'recordWebhookDelivery',
    (q) => recordWebhookDelivery(q as never, webhookDeliveryRow('w'), 100),
    ['SEARCH webhookDeliveries USING INDEX webhookDeliveriesByTime (webhookId=?)'],
  ],
  [
    'listNotificationTargets',
    (q) => listNotificationTargets(q, 'd'),
    ['SEARCH notificationTargets USING INDEX notificationTargetsByCreation (appId=?)'],
  ],
  [
    'claimDueNotification',
    (queries) =>
      claimDueNotification(
        { ...database, queries },
        { now: 1, leaseExpiresAt: 2, exceptTargets: ['a', 'b'] },
      ),
    [
      'SEARCH notificationDeliveries USING INDEX sqlite_autoindex_notificationDeliveries_1 (deliveryId=?)',
      'SCALAR SUBQUERY 1',
      'SEARCH due USING INDEX dueNotifications (nextAttemptAt<?)',
    ],
  ],
  [
    'listNotifications',
    (q) => listNotifications(q, 't', 100),
    ['SEARCH notificationDeliveries USING INDEX notificationDeliveriesByTime (targetId=?)'],
  ],
  [
    'forgetNotifications',
    (q) => forgetNotifications(q, 1),
    ['SEARCH notificationDeliveries USING COVERING INDEX notificationDeliveriesByAge (createdAt<?)'],
  ],
  [
    'findBackendEnvironment',
    (q) => findBackendEnvironment(q, 'd', 'prod'),
    ['SEARCH backendEnvironments USING INDEX sqlite_autoindex_backendEnvironments_2 (appId=? AND name=?)'],
  ],
  [
    'deleteBackendEnvironment',
    (q) => deleteBackendEnvironment(q, 'd', 'prod'),
    ['SEARCH backendEnvironments USING INDEX sqlite_autoindex_backendEnvironments_2 (appId=? AND name=?)'],
  ],
  [
    'listBackendEnvironments',
    (q) => listBackendEnvironments(q, 'd', { limit: 50 }),
    ['SEARCH backendEnvironments USING INDEX backendEnvironmentsByCreation (appId=?)'],
  ],
  [
    'listBackendEnvironments, later pages',
    (q) => listBackendEnvironments(q, 'd', { after: { createdAt: 1, id: 'e' }, limit: 50 }),
    [
      'SEARCH backendEnvironments USING INDEX backendEnvironmentsByCreation (appId=? AND (createdAt,backendEnvironmentId)>(?,?))',
    ],
  ],
  [
    'readTags',
    (q) => readTags(q, { table: 'webhooks', id: 'w' }),
    ['SEARCH webhooks USING INDEX sqlite_autoindex_webhooks_1 (webhookId=?)'],
  ],
  [
    'changeTags',
    (q) => changeTags(q as never, { table: 'domainAssociations', id: 'd' }, (tags) => tags),
    ['SEARCH domainAssociations USING INDEX sqlite_autoindex_domainAssociations_1 (domainId=?)'],
  ],
  [
    'findAccessKey',
    (q) => findAccessKey(q, 'AKIA'),
    ['SEARCH accessKeys USING INDEX sqlite_autoindex_accessKeys_1 (accessKeyId=?)'],
  ],
])('%s looks no further than it must', async (_function, run, plan) => {
  expect(await plansOf(run)).toEqual(plan)
})
