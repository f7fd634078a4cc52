import { newAppId, newId } from '../../src/model/ids.ts'
import type { StepName } from '../../src/model/jobs.ts'
import type {
  AppRow,
  ArtifactRow,
  BackendEnvironmentRow,
  BranchRow,
  DeploymentRow,
  JobRow,
  StepRow,
  WebhookDeliveryRow,
  WebhookRow,
} from '../../src/store/schema.ts'

/** Text and a number that are spoilt by a database which is not careful with JSON, Unicode and 64 bits. */
export const awkward = `it's "quoted" \\ ; -- 🌍 \u0001\n{"json":null} grüße`
export const beyond32Bits = 2 ** 52 + 1

/** Rows with every member set, for tests that say only what matters to them. */

export function appRow(row: Partial<AppRow> = {}): AppRow {
  return {
    appId: newAppId(),
    accountId: '000000000000',
    region: 'us-east-1',
    name: 'app',
    settings: { platform: 'WEB', enableBranchAutoBuild: false, enableBasicAuth: false },
    tags: {},
    secrets: null,
    basicAuth: null,
    options: {},
    createdAt: 1,
    updatedAt: 1,
    ...row,
  }
}

export function branchRow(appId: string, row: Partial<BranchRow> = {}): BranchRow {
  return {
    branchId: newId(),
    appId,
    name: 'main',
    displayName: row.name ?? 'main',
    settings: {
      enableNotification: false,
      enableAutoBuild: true,
      enableBasicAuth: false,
      enablePullRequestPreview: false,
      ttl: '5',
    },
    tags: {},
    secrets: null,
    basicAuth: null,
    lastJobNumber: 0,
    jobCount: 0,
    activeDeploymentId: null,
    createdAt: 1,
    updatedAt: 1,
    ...row,
  }
}

export function jobRow(branchId: string, number: number, row: Partial<JobRow> = {}): JobRow {
  return {
    jobKey: newId(),
    branchId,
    number,
    type: 'RELEASE',
    trigger: 'api',
    status: 'PENDING',
    statusReason: null,
    commitId: null,
    commitMessage: null,
    commitTime: null,
    sourceUrl: null,
    sourceUrlType: null,
    createdAt: number,
    startedAt: null,
    endedAt: null,
    deploymentId: newId(),
    leaseOwner: null,
    leaseExpiresAt: null,
    claims: 0,
    commandsStarted: false,
    ...row,
  }
}

export function deploymentRow(job: JobRow, row: Partial<DeploymentRow> = {}): DeploymentRow {
  return {
    deploymentId: job.deploymentId,
    branchId: job.branchId,
    jobKey: job.jobKey,
    manifestSha: 'a'.repeat(64),
    files: 1,
    bytes: 1,
    createdAt: 1,
    replacedAt: null,
    skewProtected: false,
    ...row,
  }
}

/** A step at work; its place is that of a job without TEST. */
export function stepRow(
  jobKey: string,
  name: Exclude<StepName, 'TEST'>,
  row: Partial<StepRow> = {},
): StepRow {
  return {
    jobKey,
    name,
    position: ['BUILD', 'DEPLOY', 'VERIFY'].indexOf(name),
    status: 'RUNNING',
    statusReason: null,
    context: null,
    startedAt: 1,
    endedAt: null,
    logSha: null,
    ...row,
  }
}

export function artifactRow(jobKey: string, fileName: string, row: Partial<ArtifactRow> = {}): ArtifactRow {
  return {
    artifactId: newId(),
    jobKey,
    kind: 'test',
    fileName,
    sha: 'e'.repeat(64),
    bytes: 1,
    createdAt: 1,
    ...row,
  }
}

export function webhookRow(appId: string, row: Partial<WebhookRow> = {}): WebhookRow {
  return {
    webhookId: newId(),
    appId,
    branchName: 'main',
    description: '',
    token: 'v1.sealed',
    tags: {},
    createdAt: 1,
    updatedAt: 1,
    ...row,
  }
}

export function webhookDeliveryRow(
  webhookId: string,
  row: Partial<WebhookDeliveryRow> = {},
): WebhookDeliveryRow {
  return {
    deliveryId: newId(),
    webhookId,
    createdAt: 1,
    remoteAddress: '127.0.0.1',
    userAgent: 'curl',
    statusCode: 202,
    message: 'started',
    jobNumber: 1,
    ...row,
  }
}

export function backendEnvironmentRow(
  appId: string,
  row: Partial<BackendEnvironmentRow> = {},
): BackendEnvironmentRow {
  return {
    backendEnvironmentId: newId(),
    appId,
    name: 'prod',
    stackName: 'stack',
    deploymentArtifacts: 'artifacts',
    createdAt: 1,
    updatedAt: 1,
    ...row,
  }
}
