import { newAppId, newId } from '../../src/model/ids.ts'
import type { AppRow, BranchRow, DeploymentRow, JobRow } from '../../src/store/schema.ts'

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
    lastJobNumber: 0,
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
    ...row,
  }
}
