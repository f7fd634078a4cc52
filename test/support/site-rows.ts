import { newAppId, newId } from '../../src/model/ids.ts'
import type { JobStatus } from '../../src/model/jobs.ts'
import { insertApp } from '../../src/store/apps.ts'
import { insertBranch, takeJobNumber } from '../../src/store/branches.ts'
import type { Database } from '../../src/store/database.ts'
import { insertJob } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'

/** Inserts an app with a branch `main` and a manual job that runs. */
export async function addSite(database: Database): Promise<{ appId: string; branchId: string; job: JobRow }> {
  const appId = newAppId()
  const branchId = newId()
  const shared = { tags: {}, secrets: null, createdAt: 1, updatedAt: 1 }
  await insertApp(database.queries, {
    ...shared,
    appId,
    accountId: '000000000000',
    region: 'us-east-1',
    name: 'site',
    settings: { platform: 'WEB', enableBranchAutoBuild: false, enableBasicAuth: false },
  })
  await insertBranch(database.queries, {
    ...shared,
    branchId,
    appId,
    name: 'main',
    displayName: 'main',
    settings: {
      enableNotification: false,
      enableAutoBuild: true,
      enableBasicAuth: false,
      enablePullRequestPreview: false,
      ttl: '5',
    },
    lastJobNumber: 0,
    activeDeploymentId: null,
  })
  return { appId, branchId, job: await addJob(database, branchId) }
}

/** Inserts the branch's next job, as if a worker had just claimed it. */
export async function addJob(
  database: Database,
  branchId: string,
  status: JobStatus = 'RUNNING',
): Promise<JobRow> {
  const row: JobRow = {
    jobKey: newId(),
    branchId,
    number: await database.transaction((transaction) => takeJobNumber(transaction, branchId)),
    type: 'MANUAL',
    status,
    statusReason: null,
    commitId: null,
    commitMessage: null,
    commitTime: null,
    sourceUrl: null,
    sourceUrlType: null,
    createdAt: 1,
    startedAt: 1,
    endedAt: null,
    deploymentId: newId(),
    leaseOwner: null,
    leaseExpiresAt: null,
    claims: 1,
    commandsStarted: false,
  }
  await insertJob(database.queries, row)
  return row
}
