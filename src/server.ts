import { randomUUID } from 'node:crypto'
import { realpathSync, rmSync, statfsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'

import type { Logger } from 'pino'

import type { Services } from './api/context.ts'
import { createGateway, type Gateway } from './api/gateway.ts'
import { type HttpServer, listen } from './api/http-server.ts'
import { TransferUrls } from './api/transfer-urls.ts'
import type { Blobs } from './blobs/blobs.ts'
import { openDiskBlobs } from './blobs/disk.ts'
import { liveLogPath } from './build/build-log.ts'
import type { Caches } from './build/caches/caches.ts'
import type { Executor } from './build/executor.ts'
import type { Toolchains } from './build/toolchain/toolchains.ts'
import type { Worker } from './build/worker.ts'
import { type Config, configuredQuotas, databaseUrl, isLoopbackBind, UsageError } from './config.ts'
import { openConfiguredDatabase } from './configured-database.ts'
import {
  createDataDirectory,
  type DataDirectory,
  lockDataDirectory,
  readMasterKey,
  writePrivateFile,
} from './data-directory.ts'
import { diskShortage } from './deploy/disk-shortage.ts'
import { checkByDns, checkNothing } from './domains/check-records.ts'
import { createDns } from './domains/dns.ts'
import { createDomainVerifier, type DomainVerifier } from './domains/verifier.ts'
import { readCertificate, UnusableCertificate } from './edge/certificate.ts'
import type { TlsSettings } from './edge/messages.ts'
import { type EdgeSupervisor, SitesPortInUse, superviseEdges } from './edge/supervisor.ts'
import { ensureFirstKey } from './first-key.ts'
import { LatePart } from './late-part.ts'
import type { ComputeSize } from './model/compute-types.ts'
import { storedVerifier } from './model/credentials-verifier.ts'
import { type DomainRecords, domainRecords } from './model/domain-records.ts'
import { hasCode } from './model/error-code.ts'
import { limits } from './model/limits.ts'
import type { AppSecrets, BranchSecrets } from './model/settings.ts'
import { parseSiteHost, type SiteAddresses, siteAddresses } from './model/site-address.ts'
import { mailBySmtp } from './notifications/mail.ts'
import { createNotificationSender, type NotificationSender } from './notifications/sender.ts'
import type { Database } from './store/database.ts'
import { fillBasicAuth } from './store/fill-basic-auth.ts'
import { SecretBox, UnreadableSecret } from './store/secret-box.ts'
import { sweepRegularly } from './sweeps.ts'

export interface RunningServer {
  /** Addresses as clients and visitors on this machine use them, without a slash at their end. */
  apiUrl: string
  sitesUrl: string
  sites: SiteAddresses
  directory: DataDirectory
  /** Stops taking requests, ends the builds at work (they are requeued or failed with a reason) and frees the directory. */
  stop(): Promise<void>
  /** Ends the processes that serve sites on the spot, for a process that is about to exit without waiting for `stop`. */
  kill(): void
}

/**
 * Builds everything and hands it to each other; the only place that does. The API listens as soon as it can answer, and
 * the edges and the worker, whose modules and processes take longer, start behind it: the calls that need them wait.
 * Whatever was started when a later part cannot start is stopped again, in the reverse order.
 * @returns when all of it is at work
 * @throws {UsageError} when the configuration or the machine does not allow it
 */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const started: (() => unknown)[] = []
  const stop = async () => {
    for (const end of started.toReversed()) await end()
  }
  try {
    const directory = createDataDirectory(config.dataDir)
    started.push(lockDataDirectory(directory.path))
    const secrets = new SecretBox(readMasterKey(config.masterKeyFile ?? directory.masterKey))
    const database = await openConfiguredDatabase(config, directory)
    started.push(() => database.close())
    await ensureFirstKey(database, secrets, directory, config)
    // Before an edge asks for it.
    await fillBasicAuth(database, (sealed) => basicAuthOf(sealed, secrets, log))
    const blobs = await openDiskBlobs(directory.blobs)

    const state = { config, directory, database, blobs, secrets, log }
    const edges = new LatePart(
      () => openEdges(state),
      (part) => part.stop(),
    )
    started.push(() => edges.close())
    // Where any free port will do for the sites, their addresses are not known before an edge has taken one.
    const sitesUrl = config.sitesUrl ?? defaultSitesUrl(config.sitesPort || (await edges.get()).port)
    const sites = siteAddresses(sitesUrl)
    const caches = new LatePart(
      () => openDiskCaches(config, directory, log),
      () => Promise.resolve(),
    )
    const worker = new LatePart(
      () => openWorker({ ...state, edges, sites, caches }),
      (part) => part.stop(),
    )
    started.push(() => worker.close())

    const records = domainRecords(secrets.deriveKey('domain-records'), new URL(sitesUrl).hostname)
    const verifier = createVerifier({ ...state, edges, records })
    verifier.start()
    started.push(() => verifier.stop())

    const sender = createSender({ ...state, sites, sitesUrl })
    sender.start()
    started.push(() => sender.stop())

    const parts = { ...state, edges, sites, worker, records, verifier, sender }
    const api = await listenApi(config, createApi(parts), log)
    started.push(() => api.stop())
    const [{ kill }] = await Promise.all([edges.get(), worker.get()])
    started.push(sweepRegularly({ ...state, caches }))
    const apiUrl = config.apiUrl ?? `http://${dialable(config.host)}:${api.port}`
    writePrivateFile(directory.server, JSON.stringify({ pid: process.pid, apiUrl, sitesUrl }))
    started.push(() => rmSync(directory.server, { force: true }))
    return { apiUrl, sitesUrl, sites, directory, stop, kill }
  } catch (error) {
    await stop()
    throw error
  }
}

interface State {
  config: Config
  directory: DataDirectory
  database: Database
  blobs: Blobs
  secrets: SecretBox
  log: Logger
}

async function openEdges({
  config,
  directory,
  secrets,
  log,
}: Pick<State, 'config' | 'directory' | 'secrets' | 'log'>): Promise<EdgeSupervisor> {
  // Processes share a port by `reusePort`, which spreads connections over them on Linux alone.
  const tls = tlsSettings(config)
  const countryFile = await usableCountryFile(config)
  const processesMax = process.platform === 'linux' ? availableParallelism() : 1
  try {
    return await superviseEdges({
      command: [process.execPath, Bun.main, 'edge'],
      settings: {
        host: config.host,
        port: config.sitesPort,
        tls,
        plainHttp2: config.http2 === 'all',
        httpsPort: httpsPortOf(config.sitesUrl),
        drainMilliseconds: config.drainSeconds * 1000,
        databaseUrl: databaseUrl(config, directory),
        blobsFolder: directory.blobs,
        siteSuffix: siteSuffixOf(config),
        memoryBytes: config.edgeMemoryMiB * 1024 * 1024,
        credentialsKey: secrets.deriveKey(credentialsPurpose).toString('base64url'),
        privateAllowed: config.privateSources ?? isLoopbackBind(config),
        plainProxies: config.proxyHttp,
        replacedMilliseconds: config.previousAssetsMinutes * 60_000,
        trustedProxies: config.trustedProxies,
        countryHeader: config.countryHeader ?? null,
        countryFile,
        accessLog:
          config.accessLogDays === 0
            ? null
            : {
                folder: directory.accessLogs,
                cookies: config.accessLogCookies,
                addresses: config.accessLogAddresses,
              },
        logLevel: config.logLevel,
      },
      processes: config.edgeProcesses ?? Math.min(processesMax, 4),
      edgesFile: directory.edges,
      log,
    })
  } catch (error) {
    if (error instanceof SitesPortInUse)
      throw new UsageError(
        `${error.message}. Choose another port with PREAMP_SITES_PORT${tls ? ' or PREAMP_SITES_TLS_PORT' : ''}.`,
      )
    // Bun gives no code for a name that is no address.
    if (error instanceof Error && error.message.includes('Failed to listen at'))
      throw new UsageError(
        `${config.host} is no address of this machine that can be listened on. Choose another with PREAMP_HOST.`,
        { cause: error },
      )
    throw error
  }
}

/** @throws {UsageError} where the files hold no certificate that can be used */
function tlsSettings({ tlsCertFile, tlsKeyFile, sitesTlsPort, http2 }: Config): TlsSettings | null {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return null
  const files = { certFile: resolve(tlsCertFile), keyFile: resolve(tlsKeyFile) }
  try {
    readCertificate(files)
  } catch (error) {
    if (!(error instanceof UnusableCertificate)) throw error
    throw new UsageError(`${error.message}. See PREAMP_TLS_CERT_FILE and PREAMP_TLS_KEY_FILE.`, {
      cause: error,
    })
  }
  return { ...files, port: sitesTlsPort, http2: http2 !== 'none' }
}

/** @throws {UsageError} where countries cannot be looked up in the file */
async function usableCountryFile({ countryFile }: Config): Promise<string | null> {
  if (countryFile === undefined) return null
  const { openCountryFile, UnusableCountryFile } = await import('./edge/country-file.ts')
  const path = resolve(countryFile)
  try {
    openCountryFile(path)
  } catch (error) {
    if (!(error instanceof UnusableCountryFile)) throw error
    throw new UsageError(`${error.message}. See PREAMP_COUNTRY_FILE.`, { cause: error })
  }
  return path
}

/** @returns null where the sites have no HTTPS address */
function httpsPortOf(sitesUrl: string | undefined): number | null {
  const { protocol, port } = new URL(sitesUrl ?? 'http://localhost')
  return protocol === 'https:' ? Number(port || 443) : null
}

/** Of a key that makes verifiers of credentials. */
const credentialsPurpose = 'site-credentials'

/** Host name of the sites' address. */
const siteSuffixOf = (config: Config) =>
  new URL(config.sitesUrl ?? defaultSitesUrl(config.sitesPort)).hostname

function basicAuthOf(sealed: string, secrets: SecretBox, log: Logger): string | undefined {
  try {
    const { basicAuthCredentials } = secrets.open<AppSecrets | BranchSecrets>(sealed)
    return storedVerifier(basicAuthCredentials, secrets.deriveKey(credentialsPurpose))
  } catch (error) {
    if (!(error instanceof UnreadableSecret)) throw error
    // Nobody passes where a password is asked for; everything else goes on.
    log.error({ err: error }, 'the credentials of an app or a branch cannot be read')
    return undefined
  }
}

const defaultSitesUrl = (port: number) => `http://localhost:${port}`

async function openExecutor(config: Config, directory: DataDirectory, log: Logger): Promise<Executor> {
  const { chooseExecutor, NoExecutor } = await import('./build/executors/choose.ts')
  const { passedOnVariables } = await import('./build/environment.ts')
  try {
    const { executor, notice } = await chooseExecutor({
      executor: config.executor,
      dockerCommand: config.dockerCommand,
      buildImage: config.buildImage,
      loopback: isLoopbackBind(config),
      buildUser: config.buildUser,
      dataDirectory: directory.path,
      secretPaths: config.masterKeyFile === undefined ? [] : [realpathSync(config.masterKeyFile)],
      environment: process.env,
      buildNetwork: config.buildNetwork,
      privateSources: config.privateSources ?? isLoopbackBind(config),
      openNetworks: config.buildOpenNetworks,
      passedOnVariables: passedOnVariables(process.env, config.buildEnv),
    })
    if (notice) log.warn(notice)
    return executor
  } catch (error) {
    throw error instanceof NoExecutor ? new UsageError(error.message) : error
  }
}

async function openDiskCaches(config: Config, directory: DataDirectory, log: Logger): Promise<Caches> {
  const { openCaches } = await import('./build/caches/caches.ts')
  return openCaches({
    folder: directory.caches,
    bytesMax: config.cachesGiB * 1024 ** 3,
    eachBytesMax: config.cacheGiB * 1024 ** 3,
    now: Date.now,
    log,
  })
}

async function openToolchains(
  { config, directory, log }: Pick<State, 'config' | 'directory' | 'log'>,
  executor: Executor,
): Promise<Toolchains> {
  const { findTools } = await import('./build/executors/tools.ts')
  const { findHostNode } = await import('./build/toolchain/host-node.ts')
  const { openRegistry } = await import('./build/toolchain/registry.ts')
  const { openToolCache } = await import('./build/toolchain/tool-cache.ts')
  const { createToolchains } = await import('./build/toolchain/toolchains.ts')
  const { path } = await findTools(process.env, directory.path)
  const inImage = executor.name === 'docker'
  const hostNode = inImage ? undefined : await findHostNode(path)
  const bytesMax = config.toolsGiB * 1024 ** 3
  const cache = await openToolCache({ folder: directory.tools, bytesMax, registry: openRegistry(), log })
  return createToolchains({ cache, hostNode, inImage, defaultNode: config.defaultNode, log })
}

/** A worker that has begun to claim jobs. What it is made of is loaded here: the API can answer without it. */
async function openWorker(
  parts: State & { edges: LatePart<EdgeSupervisor>; sites: SiteAddresses; caches: LatePart<Caches> },
): Promise<Worker> {
  const { config, directory, edges, sites, ...others } = parts
  const state = { ...others, caches: await parts.caches.get() }
  const executor = await openExecutor(config, directory, state.log)
  const toolchains = await openToolchains({ config, directory, log: state.log }, executor)
  const { createRunner } = await import('./build/runner.ts')
  const { createWorker } = await import('./build/worker.ts')
  const { sessionLimitsOf } = await import('./build/session-limits.ts')
  const { passedOnVariables } = await import('./build/environment.ts')
  const { readS3Settings } = await import('./deploy/s3-source.ts')
  const workRoot = directory.work
  const runJob = createRunner({
    ...state,
    executor,
    toolchains,
    workRoot,
    serverVariables: passedOnVariables(process.env, config.buildEnv),
    sessionLimits: sessionLimitsOf(
      {
        STANDARD_8GB: config.computeStandard,
        LARGE_16GB: config.computeLarge,
        XLARGE_72GB: config.computeXLarge,
      },
      machineSize(config, workRoot),
      config.buildProcessesMax,
    ),
    localRepositories: {
      allowed: config.fileRepositories ?? isLoopbackBind(config),
      dataFolder: directory.path,
      examplesFolder: directory.examples,
    },
    privateSources: config.privateSources ?? isLoopbackBind(config),
    s3: readS3Settings(process.env),
    plainProxies: config.proxyHttp,
    defaultDomain: (appId) => sites.defaultDomain(appId),
    sitesChanged: async () => (await edges.get()).sitesChanged(),
    visit: async (appId, displayName, signal) => {
      const { port } = await edges.get()
      const secure = config.tlsCertFile !== undefined
      const address = `${dialable(config.host)}:${secure ? config.sitesTlsPort : port}`
      const response = await fetch(`${secure ? 'https' : 'http'}://${address}/`, {
        headers: { host: sites.siteHost(appId, displayName) },
        redirect: 'manual',
        signal,
        // It is ourselves that are asked, whatever the name that the certificate is for.
        tls: { rejectUnauthorized: false },
      })
      await response.body?.cancel()
      return { status: response.status }
    },
    now: Date.now,
  })
  const worker = createWorker({
    ...state,
    runJob,
    executor,
    workRoot,
    owner: randomUUID(),
    concurrency: config.concurrentJobs,
    accountJobsMax: configuredQuotas(config).concurrentJobsMax,
    shortage: () => buildShortage({ config, directory }),
    now: Date.now,
  })
  worker.start()
  return worker
}

/** What there is for builds. The memory of a container that holds the server is that of its machine, where it has a limit. */
function machineSize({ buildMemoryMiB = Infinity }: Config, workRoot: string): ComputeSize {
  const { blocks, bsize } = statfsSync(workRoot)
  return {
    cpus: availableParallelism(),
    memoryBytes: Math.min(buildMemoryMiB * 1024 ** 2, totalmem(), process.constrainedMemory() || Infinity),
    diskBytes: blocks * bsize,
  }
}

function createVerifier(
  parts: Pick<State, 'config' | 'database' | 'log'> & {
    edges: LatePart<EdgeSupervisor>
    records: DomainRecords
  },
): DomainVerifier {
  const { config, database, edges, records, log } = parts
  const isTrusting = config.domainVerification === 'none'
  if (isTrusting) {
    log.warn(
      'custom domains are taken as proven without a look at the DNS: PREAMP_DOMAIN_VERIFICATION is none',
    )
  }
  return createDomainVerifier({
    database,
    check: isTrusting
      ? checkNothing({ records })
      : checkByDns({ dns: createDns(config.dnsServers), records, sitesAddresses: config.sitesAddresses }),
    hoursMax: config.domainVerificationHours,
    sitesChanged: async () => (await edges.get()).sitesChanged(),
    now: Date.now,
    log,
  })
}

function createSender(
  parts: Pick<State, 'config' | 'database' | 'secrets' | 'log'> & { sites: SiteAddresses; sitesUrl: string },
): NotificationSender {
  const { config, sites, sitesUrl, ...state } = parts
  const { smtpUrl, mailFrom = `preamp@${new URL(sitesUrl).hostname}` } = config
  return createNotificationSender({
    ...state,
    sendMail: smtpUrl === undefined ? undefined : mailBySmtp({ url: smtpUrl, from: mailFrom }),
    privateAllowed: config.privateSources ?? isLoopbackBind(config),
    siteUrl: (appId, displayName) => sites.siteUrl(appId, displayName),
    now: Date.now,
  })
}

function createApi(
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
    credentialsKey: secrets.deriveKey(credentialsPurpose),
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
    fileRepositories: config.fileRepositories ?? isLoopbackBind(config),
    now: Date.now,
  }
  return createGateway({ services, log, ...(config.apiUrl && { apiUrl: config.apiUrl }) })
}

/** What edges would answer. What decides it is loaded when it is first asked for. */
function createSiteAnswers({ config, database, blobs, secrets, log }: State): Services['sites'] {
  let countryOf: ((address: string) => string | undefined) | undefined
  return {
    async find(host) {
      const { findSiteRow } = await import('./edge/find-site.ts')
      const address = parseSiteHost(host, siteSuffixOf(config))
      const found = address && (await findSiteRow(database.queries, address))
      return found && { appId: found.row.app.appId, branchName: found.row.branch.name }
    },
    async explain(question) {
      const { explain } = await import('./edge/explain.ts')
      const { openCountryFile } = await import('./edge/country-file.ts')
      if (config.countryFile !== undefined) countryOf ??= openCountryFile(config.countryFile)
      const options = {
        database,
        blobs,
        siteSuffix: siteSuffixOf(config),
        credentialsKey: secrets.deriveKey(credentialsPurpose),
        plainProxies: config.proxyHttp,
        countryOf,
        log,
      }
      return explain(options, question)
    },
  }
}

async function listenApi(config: Config, { handle }: Gateway, log: Logger): Promise<HttpServer> {
  const { host, apiPort: port } = config
  try {
    return await listen({ host, port, handle, log })
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error
    throw new UsageError(
      `Another program listens on port ${port} of ${host}. Choose another port with PREAMP_API_PORT.`,
    )
  }
}

/** What is short on the disk for jobs to begin: more must be free than for those at work, which are ended below their bound. */
function buildShortage({
  config,
  directory,
}: Pick<State, 'config' | 'directory'>): Promise<string | undefined> {
  return diskShortage(directory.path, config.buildDiskFreeGiB * 1024 ** 3, limits.buildDiskFreeFilesMin)
}

/** An address bound to every interface is dialled at the loopback one. */
function dialable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
