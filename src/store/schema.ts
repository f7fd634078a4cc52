import type { AppOptions } from '../model/app-options.ts'
import type { DomainCheck, DomainSettings, DomainStatus, DomainUpdateStatus } from '../model/domains.ts'
import type { JobStatus, JobTrigger, JobType, SourceUrlType, StepName } from '../model/jobs.ts'
import type { PolicyDocument } from '../model/policy-document.ts'
import type { AppSettings, BranchSettings } from '../model/settings.ts'

/**
 * The tables as the code sees them. Times are epoch milliseconds, ids are text, booleans and JSON members are what
 * their type says: `columns.ts` is the one place that turns them into what SQLite and PostgreSQL keep.
 */
export interface Tables {
  accessKeys: AccessKeyRow
  apps: AppRow
  appCreations: AppCreationsRow
  appTurns: AppTurnRow
  branches: BranchRow
  jobs: JobRow
  steps: StepRow
  deployments: DeploymentRow
  uploads: UploadRow
  artifacts: ArtifactRow
  webhooks: WebhookRow
  webhookDeliveries: WebhookDeliveryRow
  backendEnvironments: BackendEnvironmentRow
  domainAssociations: DomainAssociationRow
  domainHosts: DomainHostRow
  auditEvents: AuditEventRow
  buildSecrets: BuildSecretRow
  environmentCaches: EnvironmentCacheRow
  notificationTargets: NotificationTargetRow
  notificationDeliveries: NotificationDeliveryRow
}

export interface AccessKeyRow {
  accessKeyId: string
  accountId: string
  /** Encrypted with the master key. */
  secret: string
  description: string
  enabled: boolean
  expiresAt: number | null
  createdAt: number
  /** Who holds it, as ARNs and the audit log name them. */
  userName: string
  policies: PolicyDocument[]
  /** Encrypted; only a temporary key has one, and every request signed with it must bring it. */
  sessionToken: string | null
}

export interface AppRow {
  appId: string
  accountId: string
  region: string
  name: string
  settings: AppSettings
  tags: Record<string, string>
  /** Encrypted `AppSecrets`. */
  secrets: string | null
  /**
   * By which edges know the credentials of its sites, which they cannot read (`model/credentials-verifier.ts`); empty for none,
   * null where a version that knew no such column has written the row (`fill-basic-auth.ts`).
   */
  basicAuth: string | null
  /** What Preamp has beyond AWS's settings; absent is the default. */
  options: Partial<AppOptions>
  createdAt: number
  updatedAt: number
}

/** How many apps an account has created, in whatever regions, in the hour that began with the first of them. */
export interface AppCreationsRow {
  accountId: string
  hourStartedAt: number
  count: number
}

/** When a job of the app was last begun: of apps with equally many jobs at work, the one that waited longest is next. */
export interface AppTurnRow {
  appId: string
  servedAt: number
}

export interface BranchRow {
  /** A branch made anew under an old name is another row: its job numbers start at 1 again. */
  branchId: string
  appId: string
  name: string
  displayName: string
  settings: BranchSettings
  tags: Record<string, string>
  /** Encrypted `BranchSecrets`. */
  secrets: string | null
  /** As that of its app. */
  basicAuth: string | null
  lastJobNumber: number
  /** Jobs that there are, deleted ones not counted. */
  jobCount: number
  activeDeploymentId: string | null
  createdAt: number
  updatedAt: number
}

export interface JobRow {
  /** Names the job in URLs and folders: numbers restart when a branch is made anew, this does not. */
  jobKey: string
  branchId: string
  number: number
  type: JobType
  trigger: JobTrigger
  status: JobStatus
  statusReason: string | null
  commitId: string | null
  commitMessage: string | null
  commitTime: number | null
  sourceUrl: string | null
  sourceUrlType: SourceUrlType | null
  createdAt: number
  startedAt: number | null
  endedAt: number | null
  /** The deployment this job publishes: AWS_AMPLIFY_DEPLOYMENT_ID in the build. */
  deploymentId: string
  /** Which worker holds the job, and until when without a renewal. */
  leaseOwner: string | null
  leaseExpiresAt: number | null
  claims: number
  /** Set before the first command of the repository runs: from then on a lost job fails instead of starting over. */
  commandsStarted: boolean
}

export interface StepRow {
  jobKey: string
  name: StepName
  position: number
  status: JobStatus
  statusReason: string | null
  context: string | null
  startedAt: number
  endedAt: number | null
  /** The blob of the finished log. While the step runs the log is a file in the work folder. */
  logSha: string | null
}

export interface DeploymentRow {
  deploymentId: string
  branchId: string
  /** Null once the job is deleted: the site stays up, the deployment can no longer be chosen. */
  jobKey: string | null
  manifestSha: string
  files: number
  bytes: number
  createdAt: number
  /** When another one took its place; null while it is live, and where it never was. */
  replacedAt: number | null
  /** Made while its branch had skew protection: visitors may ask for it (contract/hosting-behaviour.md §6.7). */
  skewProtected: boolean
}

export interface UploadRow {
  jobKey: string
  /** A file's path in the site, or empty for the one zip. */
  name: string
  /** MD5 in hex as the client announced it in `fileMap`. */
  md5: string | null
  sha: string | null
  bytes: number | null
}

export interface ArtifactRow {
  artifactId: string
  jobKey: string
  /**
   * `test`: a file of the test phase, which ListArtifacts shows. `test-config`: that one of them which `configFilePath` names,
   * once more. `build-output`, `test-output`: zips that are made when the URL of a step is asked for.
   */
  kind: 'build-output' | 'test-output' | 'test' | 'test-config'
  fileName: string
  sha: string
  bytes: number
  createdAt: number
}

export interface WebhookRow {
  webhookId: string
  appId: string
  /** The branch need not exist any more. */
  branchName: string
  description: string
  /** Encrypted. */
  token: string
  tags: Record<string, string>
  createdAt: number
  updatedAt: number
}

/** One call of a webhook's URL, and what was answered. */
export interface WebhookDeliveryRow {
  deliveryId: string
  webhookId: string
  createdAt: number
  remoteAddress: string
  userAgent: string
  statusCode: number
  message: string
  /** Of the job that it started. */
  jobNumber: number | null
}

export interface BackendEnvironmentRow {
  backendEnvironmentId: string
  appId: string
  name: string
  stackName: string
  deploymentArtifacts: string
  createdAt: number
  updatedAt: number
}

export interface DomainAssociationRow {
  domainId: string
  appId: string
  /** In lower case, without a dot at its end. */
  domainName: string
  settings: DomainSettings
  tags: Record<string, string>
  status: DomainStatus
  statusReason: string | null
  updateStatus: DomainUpdateStatus | null
  /** When the ownership record was seen: from then on the domain is this association's alone, and its hosts are served. */
  ownedAt: number | null
  /** When this verification began: it gives up some time after. */
  checkingSince: number
  /** Null when there is nothing left to look for. */
  nextCheckAt: number | null
  checkedAt: number | null
  /** What the last look at the DNS expected and saw. */
  checks: DomainCheck[]
  createdAt: number
  updatedAt: number
}

/** A host of a domain association: one for each sub-domain setting. */
export interface DomainHostRow {
  domainId: string
  /** Empty for the apex, `*` for every name that has no row of its own. */
  prefix: string
  /** Settings keep the order in which they were sent. */
  position: number
  /** `prefix` and domain name together, in lower case. */
  host: string
  accountId: string
  branchName: string
  /** Whether its DNS record was seen. */
  verified: boolean
  /** Whether its association's domain is owned: set for all hosts together. */
  owned: boolean
}

/** A call that changes something, as it was answered. Rows are added and, when they are old, forgotten; never changed. */
export interface AuditEventRow {
  requestId: string
  createdAt: number
  accountId: string
  region: string
  accessKeyId: string
  /** ARN of the caller. */
  principal: string
  /** For example `DeleteJob`. */
  operation: string
  /** ARN of what it was about. */
  resource: string
  remoteAddress: string
  userAgent: string
  statusCode: number
  errorCode: string | null
  message: string | null
  /** The input, without secrets. */
  parameters: Record<string, unknown>
}

/** A member of the variable `secrets` of builds. */
export interface BuildSecretRow {
  appId: string
  /** Empty for one of all branches. The branch need not exist. */
  branchName: string
  name: string
  /** Encrypted. */
  value: string
  updatedAt: number
}

/** What `envCache` keeps from one build of a branch to the next. */
export interface EnvironmentCacheRow {
  branchId: string
  /** Encrypted JSON object. */
  variables: string
  updatedAt: number
}

/** Who is told how jobs of an app ended. */
export interface NotificationTargetRow {
  targetId: string
  appId: string
  /** Null for all branches. */
  branchName: string | null
  kind: 'email' | 'webhook'
  /** An e-mail address, or a URL, encrypted since it may open a door. */
  address: string
  /** Encrypted; what a webhook's calls are signed with. */
  secret: string | null
  createdAt: number
}

/** One event for one target. */
export interface NotificationDeliveryRow {
  deliveryId: string
  targetId: string
  event: Record<string, unknown>
  createdAt: number
  attempts: number
  /** Null once it was delivered or given up. */
  nextAttemptAt: number | null
  deliveredAt: number | null
  /** Why the last attempt failed. */
  message: string | null
}
