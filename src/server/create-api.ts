import type { Services } from '../api/context.ts'
import { createGateway, type Gateway } from '../api/gateway.ts'
import { TransferUrls } from '../api/transfer-urls.ts'
import { liveLogPath } from '../build/build-log.ts'
import type { Worker } from '../build/worker.ts'
import { configuredQuotas } from '../config/configured-quotas.ts'
import { areFileRepositoriesAllowed } from '../config/loopback-defaults.ts'
import { diskShortage } from '../deploy/disk-shortage.ts'
import type { DomainVerifier } from '../domains/verifier.ts'
import type { EdgeSupervisor } from '../edge/supervisor.ts'
import type { LatePart } from '../late-part.ts'
import type { DomainRecords } from '../model/domain-records.ts'
import type { SiteAddresses } from '../model/site-address.ts'
import type { NotificationSender } from '../notifications/sender.ts'
import { buildShortage } from './build-shortage.ts'
import { createSiteAnswers } from './site-answers.ts'
import { credentialsKeyOf } from './site-credentials.ts'
import type { State } from './state.ts'

/** The API, with what its operations need of the other parts. */
export function createApi(
  parts: State & {
    edges: LatePart<EdgeSupervisor>
    sites: SiteAddresses
    worker: LatePart<Worker>
    records: DomainRecords
    verifier: DomainVerifier
    sender: NotificationSender
  },
): Gateway {
  const { config, directory, database, blobs, secrets, edges, sites, worker, log } = parts
  const { records, verifier, sender } = parts
  const services: Services = {
    database,
    blobs,
    secrets,
    credentialsKey: credentialsKeyOf(secrets),
    transferUrls: new TransferUrls(secrets.deriveKey('transfer-urls')),
    defaultDomain: (appId) => sites.defaultDomain(appId),
    plainProxies: config.proxyHttp,
    siteUrl: (appId, label) => sites.siteUrl(appId, label),
    domainRecords: records,
    domainsChanged: () => verifier.wake(),
    // A worker that is still opening looks at the jobs when it starts; one that cannot open ends the server.
    jobsChanged: () =>
      void worker.get().then(
        (part) => part.wake(),
        () => undefined,
      ),
    sitesChanged: async () => (await edges.get()).sitesChanged(),
    liveLogPath: (jobKey, step) => liveLogPath(directory.work, jobKey, step),
    diskShortage: () => diskShortage(directory.path),
    buildShortage: () => buildShortage(parts),
    accessLogs: {
      isOn: config.accessLogDays > 0,
      folder: directory.accessLogs,
      written: async () => (await edges.get()).writeAccessLogs(),
    },
    sites: createSiteAnswers(parts),
    metrics: {
      token: config.metricsToken,
      read: async () => (await edges.get()).metrics(),
    },
    notifications: { sendsMail: config.smtpUrl !== undefined, wake: () => sender.wake() },
    quotas: configuredQuotas(config),
    fileRepositories: areFileRepositoriesAllowed(config),
    now: Date.now,
  }
  return createGateway({ services, log, ...(config.apiUrl && { apiUrl: config.apiUrl }) })
}
