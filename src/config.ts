import { isIP, isIPv4 } from 'node:net'
import { resolve } from 'node:path'

import { z } from 'zod'

import { parseNetwork } from './model/addresses.ts'
import { parseComputeSize } from './model/compute-types.ts'
import { isImageReference } from './model/image-reference.ts'
import { quotaPresets, type Quotas, quotasOf } from './model/quotas.ts'

/** A mistake of the person who starts a command: shown as its message alone, without a stack. */
export class UsageError extends Error {}

const port = z.coerce.number('must be a number').int().min(0).max(65_535)
const url = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
  .transform((text) => text.replace(/\/+$/, ''))
const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1')
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

const addressList = list.refine(
  (addresses) => addresses.every((address) => isIP(address) !== 0),
  'must be IP addresses, separated by commas',
)
const networkList = list.refine(
  (networks) => networks.every((network) => parseNetwork(network)?.bits === 32),
  'must be IPv4 addresses or networks, separated by commas, as in 192.0.2.1,10.1.0.0/16',
)
const anyNetworkList = list.refine(
  (networks) => networks.every((network) => parseNetwork(network)),
  'must be IP addresses or networks, separated by commas, as in 192.0.2.1,2001:db8::/32',
)
const serverList = list.refine(
  (servers) => servers.every(isAddressWithPort),
  'must be IP addresses, separated by commas; with a port: 192.0.2.1:5353 or [2001:db8::1]:5353',
)

function isAddressWithPort(server: string): boolean {
  if (isIP(server) !== 0) return true
  const [, ipv6, ipv4, digits = ''] = /^(?:\[([^\]]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(server) ?? []
  return isIP(ipv6 ?? ipv4 ?? '') !== 0 && Number(digits) >= 1 && Number(digits) <= 65_535
}

const computeSize = z.string().transform((text, context) => {
  const size = parseComputeSize(text)
  if (size) return size
  context.addIssue({
    code: 'custom',
    message: 'must be processors/GiB of memory/GiB of disk, whole numbers from 1 on, as in 4/8/128',
  })
  return z.NEVER
})

interface Setting<Schema extends z.ZodType> {
  /** The environment variable; {@link flagOf} says which flag goes with it. */
  variable: string
  schema: Schema
  /** As `docs/configuration.md` shows the default. */
  default: string
  description: string
}

function setting<Schema extends z.ZodType>(
  variable: string,
  schema: Schema,
  defaultText: string,
  description: string,
): Setting<Schema> {
  return { variable, schema, default: defaultText, description }
}

/** A number that goes before the one of the preset. */
function quota(name: keyof Quotas, variable: string, description: string) {
  const { generous, aws } = quotaPresets
  return setting(
    variable,
    z.coerce.number('must be a number').int().min(0).max(1_000_000).optional(),
    generous[name] === aws[name] ? String(aws[name]) : `generous: ${generous[name]}, aws: ${aws[name]}`,
    description,
  )
}

/** Every setting. `docs/configuration.md` is printed from this table; a test fails when they differ. */
export const settings = {
  host: setting(
    'PREAMP_HOST',
    z.string().min(1).default('127.0.0.1'),
    '127.0.0.1',
    'Address to which the API and the sites are bound.',
  ),
  apiPort: setting('PREAMP_API_PORT', port.default(4700), '4700', 'Port of the API. 0 takes a free one.'),
  apiUrl: setting(
    'PREAMP_API_URL',
    url.optional(),
    'the Host of each request',
    'Address of the API as clients see it, for upload, log and artifact URLs in replies.',
  ),
  sitesPort: setting(
    'PREAMP_SITES_PORT',
    port.default(4780),
    '4780',
    'Port on which sites are served. 0 takes a free one.',
  ),
  sitesUrl: setting(
    'PREAMP_SITES_URL',
    url.refine((text) => new URL(text).pathname === '/', 'must not have a path').optional(),
    'http://localhost:<sites port>',
    'Address of the sites as visitors see it. Its host is the suffix of every `defaultDomain`; its port is part of it unless it is the scheme’s own.',
  ),
  tlsCertFile: setting(
    'PREAMP_TLS_CERT_FILE',
    z.string().min(1).optional(),
    'none',
    'Certificate of the sites in PEM, with those that lead to its root behind it. With it sites are served by HTTPS as well; a new one in its place is shown within seconds.',
  ),
  tlsKeyFile: setting(
    'PREAMP_TLS_KEY_FILE',
    z.string().min(1).optional(),
    'none',
    'Private key of that certificate in PEM, without a password.',
  ),
  sitesTlsPort: setting(
    'PREAMP_SITES_TLS_PORT',
    port.min(1).default(4743),
    '4743',
    'Port on which sites are served by HTTPS, where there is a certificate.',
  ),
  http2: setting(
    'PREAMP_HTTP2',
    z.enum(['tls', 'all', 'none']).default('tls'),
    'tls',
    'Where sites are served by HTTP/2 besides HTTP/1.1: by HTTPS, on `all` ports (h2c, for a proxy in front), or nowhere.',
  ),
  drainSeconds: setting(
    'PREAMP_DRAIN_SECONDS',
    z.coerce.number('must be a number').min(0).max(60).default(3),
    '3',
    'How long a server that is to stop goes on answering visitors, and tells them to open no other request on their connection.',
  ),
  dataDir: setting(
    'PREAMP_DATA_DIR',
    z
      .string()
      .min(1)
      .default('.preamp')
      .transform((path) => resolve(path)),
    '.preamp',
    'Folder of the database, the objects, the keys and the builds at work. Held by one server at a time.',
  ),
  databaseUrl: setting(
    'PREAMP_DATABASE_URL',
    z
      .string()
      .regex(/^(postgres|postgresql):\/\//, 'must begin with postgres://')
      .optional(),
    'SQLite in the data directory',
    'PostgreSQL database that keeps the state instead of the embedded SQLite.',
  ),
  accountId: setting(
    'PREAMP_ACCOUNT_ID',
    z
      .string()
      .regex(/^[0-9]{12}$/, 'must be 12 digits')
      .default('000000000000'),
    '000000000000',
    'Account of the first key.',
  ),
  region: setting(
    'PREAMP_REGION',
    z.string().min(1).default('us-east-1'),
    'us-east-1',
    'Region that our own commands and printed examples use. Clients may use any; each has its own apps.',
  ),
  accessKeyId: setting(
    'PREAMP_ACCESS_KEY_ID',
    z
      .string()
      .regex(/^[A-Za-z0-9_]{4,128}$/, 'must be 4 to 128 letters, digits or _')
      .optional(),
    'made at first start',
    'Id of the first key. Give it together with PREAMP_SECRET_ACCESS_KEY.',
  ),
  secretAccessKey: setting(
    'PREAMP_SECRET_ACCESS_KEY',
    z.string().min(8).optional(),
    'made at first start',
    'Secret of the first key.',
  ),
  masterKeyFile: setting(
    'PREAMP_MASTER_KEY_FILE',
    z.string().min(1).optional(),
    'master.key in the data directory',
    'File of the key that encrypts stored secrets and from which URL signatures are derived. Made at first start, mode 0600.',
  ),
  executor: setting(
    'PREAMP_EXECUTOR',
    z.enum(['bubblewrap', 'docker', 'process']).optional(),
    'bubblewrap where it works, else docker, else process on a loopback bind',
    'Where build commands run. `docker` is Docker or Podman (docs/containers.md). `process` isolates nothing; it is chosen by itself only where the API is bound to loopback.',
  ),
  dockerCommand: setting(
    'PREAMP_DOCKER_COMMAND',
    z.string().min(1).optional(),
    'docker, else podman',
    'Command of the container engine that the executor `docker` uses: a name on the PATH, or a path.',
  ),
  buildImage: setting(
    'PREAMP_BUILD_IMAGE',
    z
      .string()
      .refine(isImageReference, 'must be the name of an image')
      .default('localhost/preamp-build:latest'),
    'localhost/preamp-build:latest',
    'Image of builds in containers whose app names none by `_CUSTOM_IMAGE`. It must be on this machine: `preamp image build` makes it.',
  ),
  buildUser: setting(
    'PREAMP_BUILD_UID',
    z.coerce
      .number()
      .int()
      .min(1)
      .max(2 ** 31)
      .default(64_700),
    '64700',
    'User and group id to which a server run as root drops its builds.',
  ),
  buildEnv: setting(
    'PREAMP_BUILD_ENV',
    list.optional(),
    'proxy, CA bundle and npm registry variables without credentials',
    'Names of server variables that are passed on to builds, separated by commas.',
  ),
  buildNetwork: setting(
    'PREAMP_BUILD_NETWORK',
    z.enum(['isolated', 'host']).optional(),
    'isolated where it works, else host',
    'Network of builds in bubblewrap: `isolated` leads to the internet and, where PREAMP_PRIVATE_SOURCES is on, to private addresses, never to this machine (docs/security.md). `host` is the one of the server.',
  ),
  buildOpenNetworks: setting(
    'PREAMP_BUILD_OPEN_NETWORKS',
    networkList.default([]),
    'the proxies and registries in PREAMP_BUILD_ENV, at their ports',
    'What isolated builds reach besides: private addresses or networks, or addresses of this machine, separated by commas.',
  ),
  computeStandard: setting(
    'PREAMP_COMPUTE_STANDARD',
    computeSize.prefault('4/8/128'),
    '4/8/128',
    'What a build of the compute type `STANDARD_8GB`, the default of apps, may use: processors/GiB of memory/GiB of disk. Never more than the machine has; processors are bounded where the server can write cgroups.',
  ),
  computeLarge: setting(
    'PREAMP_COMPUTE_LARGE',
    computeSize.prefault('8/16/128'),
    '8/16/128',
    'The same for `LARGE_16GB`.',
  ),
  computeXLarge: setting(
    'PREAMP_COMPUTE_XLARGE',
    computeSize.prefault('36/72/256'),
    '36/72/256',
    'The same for `XLARGE_72GB`.',
  ),
  buildMemoryMiB: setting(
    'PREAMP_BUILD_MEMORY_MIB',
    z.coerce.number().int().min(64).optional(),
    'the memory of the machine',
    'Memory that a build may use at most, whatever its compute type, in MiB.',
  ),
  buildProcessesMax: setting(
    'PREAMP_BUILD_PROCESSES_MAX',
    z.coerce.number().int().min(16).default(4096),
    '4096',
    'Processes and threads a build may have at once.',
  ),
  concurrentJobs: setting(
    'PREAMP_CONCURRENT_JOBS',
    z.coerce.number().int().min(1).max(1000).default(5),
    '5',
    'Jobs that run at the same time on this server.',
  ),
  cacheGiB: setting(
    'PREAMP_CACHE_GIB',
    z.coerce.number().min(0).default(5),
    '5',
    'How much the build cache of a branch, or the mirror of a Git repository, may hold, in GiB. What is larger is not kept.',
  ),
  cachesGiB: setting(
    'PREAMP_CACHES_GIB',
    z.coerce.number().min(0).default(50),
    '50',
    'How much of the disk all build caches and mirrors may take together, in GiB. What was used longest ago goes first.',
  ),
  defaultNode: setting(
    'PREAMP_DEFAULT_NODE',
    z
      .string()
      .regex(/^(host|[0-9]+(\.[0-9]+){0,2})$/, 'must be a version, as 22 or 22.11.0, or host')
      .default('22'),
    '22',
    'Version of Node of builds that name none. `host` is the one of this machine. Versions that are not on the machine come from the npm registry.',
  ),
  toolsGiB: setting(
    'PREAMP_TOOLS_GIB',
    z.coerce.number().min(0).default(5),
    '5',
    'How much of the disk the tools may take that builds asked for, in GiB. What was used longest ago goes first.',
  ),
  buildDiskFreeGiB: setting(
    'PREAMP_BUILD_DISK_FREE_GIB',
    z.coerce.number().min(0).default(1),
    '1',
    'Free room on the disk below which no job is begun, in GiB. Jobs wait until there is more; sites are served all the while.',
  ),
  keepDeployments: setting(
    'PREAMP_KEEP_DEPLOYMENTS',
    z.coerce.number().int().min(2).max(100_000).default(10),
    '10',
    'How many of the newest deployments of each branch are kept, 2 at the least, however old they are, for rollbacks. The live one always is.',
  ),
  keepDays: setting(
    'PREAMP_KEEP_DAYS',
    z.coerce.number().int().min(1).max(36_500).default(30),
    '30',
    'How long other deployments, and logs and artifacts of jobs without one, are kept, in days, 1 at the least. Jobs themselves stay in the lists.',
  ),
  quotas: setting(
    'PREAMP_QUOTAS',
    z.enum(['generous', 'aws']).default('generous'),
    'generous',
    'How much an account may have of each thing: `aws` has the numbers of Amplify’s own quotas. The settings after this one change single numbers.',
  ),
  quotaApps: quota('appsMax', 'PREAMP_QUOTA_APPS', 'Apps of an account, in all regions together.'),
  quotaAppCreations: quota(
    'appCreationsPerHourMax',
    'PREAMP_QUOTA_APP_CREATIONS_PER_HOUR',
    'Apps that an account may create in all regions together within an hour, which begins with the first of them. Apps that are deleted again count too.',
  ),
  quotaBranches: quota('branchesPerAppMax', 'PREAMP_QUOTA_BRANCHES_PER_APP', 'Branches of an app.'),
  quotaDomains: quota('domainsPerAppMax', 'PREAMP_QUOTA_DOMAINS_PER_APP', 'Domain associations of an app.'),
  quotaSubDomains: quota(
    'subDomainsPerDomainMax',
    'PREAMP_QUOTA_SUBDOMAINS_PER_DOMAIN',
    'Sub-domains of a domain association.',
  ),
  quotaWebhooks: quota('webhooksPerAppMax', 'PREAMP_QUOTA_WEBHOOKS_PER_APP', 'Webhooks of an app.'),
  quotaBackendEnvironments: quota(
    'backendEnvironmentsPerAppMax',
    'PREAMP_QUOTA_BACKEND_ENVIRONMENTS_PER_APP',
    'Backend environments of an app.',
  ),
  quotaConcurrentJobs: quota(
    'concurrentJobsMax',
    'PREAMP_QUOTA_CONCURRENT_JOBS',
    'Jobs of an account that run at the same time, on all servers together. Others wait.',
  ),
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
  blobGraceMinutes: setting(
    'PREAMP_BLOB_GRACE_MINUTES',
    z.coerce.number().min(10).default(60),
    '60',
    'How long bytes that nothing refers to are kept before the sweep frees them, in minutes: 10 or more, as a deployment stores its bytes some time before a row refers to them.',
  ),
  auditDays: setting(
    'PREAMP_AUDIT_DAYS',
    z.coerce.number().int().min(1).max(36_500).default(400),
    '400',
    'How long the audit log keeps each call, in days.',
  ),
  accessLogDays: setting(
    'PREAMP_ACCESS_LOG_DAYS',
    z.coerce.number().int().min(0).max(3650).default(14),
    '14',
    'How long the access logs of the sites are kept, in days. 0 writes none and removes those that there are.',
  ),
  accessLogGiB: setting(
    'PREAMP_ACCESS_LOG_GIB',
    z.coerce.number().min(0.1).default(10),
    '10',
    'How much of the disk the access logs of all sites may take, in GiB. The oldest hours go first, the current one never.',
  ),
  accessLogAddresses: setting(
    'PREAMP_ACCESS_LOG_ADDRESSES',
    flag.default(true),
    'true',
    'Whether access logs hold the address and port from which a request came. To ask for them costs each request a system call.',
  ),
  accessLogCookies: setting(
    'PREAMP_ACCESS_LOG_COOKIES',
    flag.default(false),
    'false',
    'Whether access logs hold the cookies that visitors sent. They may be credentials.',
  ),
  metricsToken: setting(
    'PREAMP_METRICS_TOKEN',
    z.string().min(16, 'must have 16 characters or more').optional(),
    'nobody reads them',
    'What Prometheus sends as its bearer token to read `/_preamp/metrics` of the API, which tells of the apps of all accounts.',
  ),
  fileRepositories: setting(
    'PREAMP_FILE_REPOSITORIES',
    flag.optional(),
    'true on a loopback bind',
    'Whether apps may build repositories by `file://` URL or path.',
  ),
  privateSources: setting(
    'PREAMP_PRIVATE_SOURCES',
    flag.optional(),
    'true on a loopback bind',
    'Whether `sourceUrl`, repositories and registries of images may lie at private and loopback addresses, and isolated builds reach private ones. Link-local and metadata addresses never may.',
  ),
  smtpUrl: setting(
    'PREAMP_SMTP_URL',
    z
      .url({ protocol: /^smtps?$/, error: 'must be an address that begins with smtp:// or smtps://' })
      .optional(),
    'no e-mail is sent',
    'Mail server for notifications, with user and password where it wants them: `smtps://user:password@mail.example:465`.',
  ),
  mailFrom: setting(
    'PREAMP_MAIL_FROM',
    z.email('must be an e-mail address').optional(),
    'preamp@<host of PREAMP_SITES_URL>',
    'Sender of notifications by e-mail.',
  ),
  dnsServers: setting(
    'PREAMP_DNS_SERVERS',
    serverList.default([]),
    'the resolvers of the system',
    'DNS resolvers that are asked for the records of custom domains: IP addresses, separated by commas, with a port where it is not 53.',
  ),
  sitesAddresses: setting(
    'PREAMP_SITES_ADDRESSES',
    addressList.default([]),
    'those that the DNS has for <app id>.<sites host>',
    'Public IP addresses of the sites, separated by commas, for custom domains that lead here by A and AAAA records.',
  ),
  domainVerification: setting(
    'PREAMP_DOMAIN_VERIFICATION',
    z.enum(['dns', 'none']).default('dns'),
    'dns',
    '`none` takes every custom domain as proven without a look at the DNS, for tests. Only where the API is bound to loopback.',
  ),
  domainVerificationHours: setting(
    'PREAMP_DOMAIN_VERIFICATION_HOURS',
    z.coerce.number().positive().max(8760).default(72),
    '72',
    'How long the record that proves who owns a custom domain is waited for.',
  ),
  s3Endpoint: setting(
    'AWS_ENDPOINT_URL_S3',
    z.string().optional(),
    'AWS',
    'Endpoint for `s3://` sources; AWS_ENDPOINT_URL is read too. Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the region from AWS_REGION.',
  ),
  logLevel: setting(
    'PREAMP_LOG_LEVEL',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    'info',
    'Least severe line that the server logs to standard error.',
  ),
} as const

type Settings = typeof settings
export type Config = { [Name in keyof Settings]: z.output<Settings[Name]['schema']> }

/**
 * Reads the configuration: flags over environment over defaults.
 * @param flags by the name of the setting
 * @throws {UsageError} naming every setting that does not fit, and why
 */
export function readConfig(
  environment: Record<string, string | undefined>,
  flags: Record<string, unknown> = {},
): Config {
  const problems: string[] = []
  const config: Record<string, unknown> = {}
  for (const [name, { variable, schema }] of Object.entries(settings)) {
    const flagged = flags[name]
    const given: unknown = flagged ?? emptyAsAbsent(environment[variable])
    const result = schema.safeParse(given)
    if (result.success) {
      config[name] = result.data
      continue
    }
    const source = flagged === undefined ? `${variable}=` : `${flagOf(name as keyof Settings)} `
    // A secret that does not fit is a secret all the same.
    const isSecret = name === 'secretAccessKey' || name === 'smtpUrl' || name === 'metricsToken'
    const shown = isSecret ? variable : `${source}${JSON.stringify(given)}`
    problems.push(`${shown}: ${result.error.issues[0]?.message}`)
  }
  if (problems.length === 0) problems.push(...contradictions(config as Config))
  if (problems.length > 0)
    throw new UsageError(`Preamp cannot start with these settings:\n  ${problems.join('\n  ')}`)
  return config as Config
}

/** What is wrong between settings that are right each for itself. */
function contradictions(config: Config): string[] {
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
  if (config.domainVerification === 'none' && !isLoopbackBind(config)) {
    problems.push(
      `PREAMP_DOMAIN_VERIFICATION=none lets everybody take any domain: it is for a server bound to loopback, not to ${config.host}`,
    )
  }
  return problems
}

/** The numbers of the preset, but for those that are set by themselves. */
export function configuredQuotas(config: Config): Quotas {
  return quotasOf(config.quotas, {
    appsMax: config.quotaApps,
    appCreationsPerHourMax: config.quotaAppCreations,
    branchesPerAppMax: config.quotaBranches,
    domainsPerAppMax: config.quotaDomains,
    subDomainsPerDomainMax: config.quotaSubDomains,
    webhooksPerAppMax: config.quotaWebhooks,
    backendEnvironmentsPerAppMax: config.quotaBackendEnvironments,
    concurrentJobsMax: config.quotaConcurrentJobs,
  })
}

/** Where the configured database lies, as `openDatabase` takes it. */
export function databaseUrl(config: Pick<Config, 'databaseUrl'>, directory: { database: string }): string {
  return config.databaseUrl ?? `sqlite:${directory.database}`
}

/** Whether the API can be reached from this machine only: what decides the defaults that trust the caller. */
export function isLoopbackBind(config: Pick<Config, 'host'>): boolean {
  return (
    config.host === 'localhost' ||
    config.host === '::1' ||
    (isIPv4(config.host) && config.host.startsWith('127.'))
  )
}

const secretSettings: ReadonlySet<keyof Settings> = new Set([
  'accessKeyId',
  'secretAccessKey',
  'databaseUrl',
  'smtpUrl',
  'metricsToken',
])

/** `PREAMP_API_PORT` → `--api-port`; undefined where a flag would show a secret to every user of the machine, or is not ours. */
export function flagOf(name: keyof Settings): string | undefined {
  if (secretSettings.has(name)) return undefined
  const { variable } = settings[name]
  return variable.startsWith('PREAMP_')
    ? `--${variable.slice('PREAMP_'.length).toLowerCase().replaceAll('_', '-')}`
    : undefined
}

function emptyAsAbsent(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
