const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/**
 * The bounds on what comes from outside and on how long it is waited for, with the unit in the name, but for those that are
 * settings. Sources: contract/hosting-behaviour.md §8.5, contract/amplify-api.json. What is a matter of one file alone, as
 * how much it does at once, stands in that file.
 */
export const limits = {
  requestBodyBytesMax: 1 * MiB,
  requestHeaderBytesMax: 32 * KiB,
  requestHeaderSecondsMax: 15,
  requestBodySecondsMax: 60,
  requestJsonDepthMax: 32,
  /** Sent on one connection before the answers to those before them are out. */
  connectionRequestsMax: 32,
  /** Between two pieces of a request or a response, uploads and downloads too. */
  transferIdleSecondsMax: 60,
  signatureAgeSecondsMax: 15 * 60,
  presignedSecondsMax: 7 * 24 * 3600,
  uploadSecondsMax: 8 * 3600,
  downloadUrlSecondsMax: 3600,
  pageItemsMax: 50,
  appPageItemsMax: 100,
  /** Of the settings of all items on a page, as JSON. */
  pageSettingsBytesMax: 2 * MiB,
  /** Of an app or a branch, as JSON. */
  settingsBytesMax: 256 * KiB,
  environmentVariablesBytesMax: 64 * KiB,
  auditPageEventsMax: 100,
  /** Calls that a webhook's log keeps. */
  webhookDeliveriesMax: 100,
  userAgentCharactersMax: 255,
  /** IAM's own limit is 6,144 characters for a managed policy. */
  policyDocumentBytesMax: 32 * KiB,
  /** In one list, and of all its patterns together: each visit of a domain may be compared with them. */
  branchPatternsMax: 50,
  branchPatternsCharactersMax: 4096,
  /** Of a list of addresses that each visit is compared with. */
  addressListCharactersMax: 4096,
  /** Of an app with its branches; the bytes are those of the app, or of one branch, as JSON. Both together fit into one variable. */
  buildSecretsMax: 500,
  buildSecretsBytesMax: 16 * KiB,
  buildSecretCharactersMax: 8 * KiB,

  archiveBytesMax: 5 * GiB,
  archiveEntriesMax: 200_000,
  archiveUnpackedBytesMax: 20 * GiB,
  /** Unpacked size against packed size; a legitimate text-only site stays far below it. */
  archiveRatioMax: 200,
  /** Below this unpacked size the ratio says nothing: a few repetitive files pack a thousandfold. */
  archiveRatioFreeBytes: 64 * MiB,
  pathBytesMax: 1024,
  /** Of the search for one pattern, and of all those of one request: a thousand take about 20 µs. */
  patternStepsMax: 20_000,
  requestPatternStepsMax: 100_000,
  /** Of all expressions of a site's rules: each edge keeps what they are compiled to. */
  siteExpressionCharactersMax: 64 * KiB,
  /** Groups of a pattern in each other. */
  patternDepthMax: 100,
  /** Of why a job failed: a command stands in it as a whole, if it is not longer. */
  statusReasonCharactersMax: 500,
  /** Each has an upload URL of its own in the answer. */
  fileMapFilesMax: 10_000,
  outputBytesMax: 5 * GiB,
  /** Files and folders looked at while an output folder is read, those that are not published too. */
  outputEntriesReadMax: 1_000_000,
  artifactPatternsMax: 100,

  /** Through the proxies of rules, at the same time, in one edge process. */
  webSocketsOfAddressMax: 100,
  webSocketsOfAppMax: 500,
  /** Of what is on its way through all those of an app: parts of messages, and what one side has not taken yet. */
  webSocketBytesOfAppMax: 128 * MiB,
  certificatePollSeconds: 5,

  /** What rules fetch for visitors (contract/hosting-behaviour.md §5.7). */
  proxyTrySecondsMax: 15,
  proxyTriesMax: 3,
  proxySecondsMax: 30,
  /**
   * At once, by an edge process, until the last byte has been taken: what a visitor does not take holds up to 2 MiB. Of an app, of an
   * app by one visitor's address, and of all.
   */
  proxyFetchesOfAppMax: 128,
  proxyFetchesOfAddressMax: 100,
  proxyFetchesMax: 1000,
  /** What visitors are told to wait where these are taken. */
  proxyRetrySeconds: 5,
  /** Whose addresses are remembered, and how long; and that they could not be found. */
  proxyHostsMax: 1000,
  proxyAddressSecondsMax: 10,
  proxyUnknownHostSecondsMax: 5,
  /** Of such hosts, at once. */
  proxyLookUpsOfAppMax: 16,
  proxyLookUpsMax: 128,
  /** Of an answer that is passed on in one piece, whatever becomes of the visitor. */
  proxyShortBytesMax: 64 * KiB,
  /** From a server behind a WebSocket; browsers and servers ping every some seconds. */
  proxyPingsPerSecondMax: 100,
  /** Of a message to a visitor through a WebSocket, and of those that one side has not taken yet. */
  proxyMessageBytesMax: 16 * MiB,
  /** Of one from a visitor, as of the body of a request: Bun keeps what there is of it, and does not tell how much. */
  visitorMessageBytesMax: 1 * MiB,

  /** For /etc/hosts and the DNS to say where a host is that users named. */
  hostLookUpSecondsMax: 5,
  /** How long it is taken for known which addresses this machine has. */
  ownAddressesSecondsMax: 5,
  outboundRedirectsMax: 5,
  /** From the start of a request to the headers of its answer, and between two pieces of its body. */
  outboundIdleSecondsMax: 30,
  outboundSecondsMax: 30 * 60,

  buildMinutesMin: 5,
  buildMinutesMax: 120,
  buildMinutesDefault: 30,
  /** Of the disk under the work folder, and in files: the rest is for the database, for uploads and for other builds. */
  diskFreeBytesMin: 512 * MiB,
  diskFreeFilesMin: 10_000,
  /** For a job to begin; the bytes are a setting. */
  buildDiskFreeFilesMin: 20_000,
  buildLogBytesMax: 64 * MiB,
  /** What one answer of a log holds. */
  logPageBytesMax: 1 * MiB,
  /** Who follow the logs of one account, and of all. */
  logFollowersOfAccountMax: 50,
  logFollowersMax: 200,
  /** Then the client asks again, and is checked again. */
  logFollowSecondsMax: 5 * 60,
  /** What `envCache` keeps. */
  environmentCacheKeysMax: 256,
  environmentCacheBytesMax: 64 * KiB,
  buildSpecBytesMax: 256 * KiB,
  /** Of a YAML file of a repository, with its aliases spelled out. */
  yamlCharactersMax: 1 * MiB,
  /** Apps of a monorepo in one build spec, commands of one phase, and patterns of what is cached. */
  buildSpecApplicationsMax: 100,
  buildSpecCommandsMax: 1000,
  cachePatternsMax: 100,
  /** Patterns of custom headers, headers of one pattern, and all of it as JSON: each deployment keeps them. */
  customHeaderPatternsMax: 500,
  customHeadersOfPatternMax: 100,
  customHeadersBytesMax: 64 * KiB,
  /** Kept of one run of the test phase. */
  testArtifactsMax: 1000,
  testArtifactsBytesMax: 1 * GiB,
  /** Shown by GetJob; ListArtifacts has all. */
  screenshotsMax: 100,
  stopSecondsMax: 5,
  /** Of the image that an app names for its builds. */
  imagePullSecondsMax: 900,
  checkoutSecondsMax: 600,
  /** Of one command, kept of each of its streams. */
  gitOutputBytesMax: 1 * MiB,
  submodulesMax: 200,
  submoduleDepthMax: 10,
  /** Of each Git process: a repository of some KiB can unfold to billions of names. */
  gitMemoryBytesMax: 2 * GiB,

  /** Things that a branch's cache holds one by one: a folder with all that is in it is one. */
  cacheEntriesMax: 10_000,
  /** Of one walk through all files of a cache, to count or to copy them. */
  cacheWalkSecondsMax: 120,
  /** More than jobs leave free: caches go first. */
  cacheDiskFreeBytesMin: 2 * GiB,
  cacheDiskFreeFilesMin: 100_000,
  cacheUnusedDaysMax: 30,
  /** In a mirror of a repository, each from one fetch; beyond, small ones are joined. */
  mirrorPacksMax: 20,

  /** Of a package of the npm registry that becomes a tool, unpacked. */
  toolBytesMax: 1 * GiB,
  toolFilesMax: 50_000,
  /** For the npm registry to say which versions of a package there are. */
  toolAnswerSecondsMax: 30,
  /** For one package of the npm registry, to its last byte; and for what a build waits for a tool. */
  toolSecondsMax: 300,
  /** Tools that one build asks for, and how long the lines may be with which it asks, on average. */
  toolRequestsMax: 100,
  toolRequestBytesMax: 256,
  liveUpdatesMax: 20,

  leaseSeconds: 30,
  leaseRenewSeconds: 10,
  claimAttemptsMax: 3,

  /** Of one question to the DNS, and of all that a look at one domain asks. */
  dnsQuerySecondsMax: 5,
  dnsLookSecondsMax: 30,
  /** Of the questions about the hosts of a domain, in one look; after them no other is asked. */
  dnsUnansweredMax: 2,
  /** How long a domain that is looked at is left to who looks; longer than a look takes. */
  domainLeaseSeconds: 60,
  domainLooksAtOnceMax: 8,
  domainLooksOfAccountMax: 4,
  /** Names that one leads to by CNAME records, and addresses of one that are compared. */
  cnameChainMax: 8,
  dnsAddressesMax: 32,
  /** Kept of what the DNS answered. */
  dnsSeenCharactersMax: 300,

  /** Of an app: each is told of every job. */
  notificationTargetsMax: 50,
  notificationsAtOnceMax: 8,
  /** Of one attempt; and how long a delivery is left to who attempts it, which is longer than an attempt takes. */
  notificationSecondsMax: 15,
  notificationLeaseSeconds: 120,
  /** Kept of why an attempt failed. */
  notificationMessageCharactersMax: 300,
  notificationPageMax: 100,
  notificationDays: 14,

  changeAcknowledgeSecondsMax: 5,
  /** How often an edge asks the database whether anything changed, for changes that nobody told it of. */
  edgePollSeconds: 1,
  /** Between two pieces of a request or a response of a site. */
  siteIdleSecondsMax: 60,
  siteRequestBodyBytesMax: 1 * MiB,
  /** Hosts that an edge remembers, those that are nobody's counted apart. */
  edgeHostsMax: 10_000,
  /** How often an edge looks which hosts and addresses nobody has asked for since its last look: it forgets them. */
  edgeForgetMinutes: 10,
  /** Files of all the manifests that an edge keeps compiled. */
  edgeManifestFilesMax: 2_000_000,
  /** How long visitors may ask for a deployment that another one has replaced, where their branch has skew protection (§6.7). */
  skewProtectionDays: 7,
  /** Of these the last ones; and of those whose assets are served for a while without it. */
  skewDeploymentsMax: 500,
  replacedDeploymentsMax: 3,
  /** Longer files are streamed from the blob and never kept in memory. */
  edgeCachedFileBytesMax: 1 * MiB,
  /** Shorter ones gain nothing from compression, longer ones cost too much of it. */
  compressedFileBytesMin: 1 * KiB,
  compressedFileBytesMax: 10 * MiB,
  /** Up to here a visitor waits for the compression; of a longer file the first ones get it as it is. */
  compressedWhileWaitingBytesMax: 256 * KiB,
  compressionsAtOnceMax: 2,

  /** AWS hands out two weeks at a time (contract/hosting-behaviour.md §8.2). */
  accessLogDaysAtOnceMax: 14,
  /** Of one value as a visitor sent it. */
  accessLogValueCharactersMax: 2048,
  accessLogWriteSeconds: 1,
  /** Lines are written when there are so many, or after the seconds above. */
  accessLogWriteBytes: 256 * KiB,
  /** Lines that wait for a slow disk. */
  accessLogWaitingBytesMax: 8 * MiB,
  /** More than jobs leave free, so that logs never take the room that stops them. */
  accessLogDiskFreeBytesMin: 1 * GiB,
  accessLogDiskFreeFilesMin: 50_000,
  /** How long edges are waited for to write down what they have in memory, or to say what they have counted. */
  edgeAnswerSecondsMax: 2,

  explainHeadersMax: 50,
  /** Of each file, at one look of who follows an access log. */
  accessLogTailBytesMax: 256 * KiB,
  accessLogRecentLinesMax: 1000,

  /** Branches that are counted apart, by an edge and on a page of metrics. */
  metricBranchesMax: 5000,
} as const
