import { afterAll, beforeAll } from 'bun:test'

import { insertApp } from '../../src/store/apps.ts'
import { insertBranch, takeJobNumber } from '../../src/store/branches.ts'
import { type Database, isUniqueViolation, openDatabase } from '../../src/store/database.ts'
import { activateDeployment, insertDeployment } from '../../src/store/deployments.ts'
import { insertJob } from '../../src/store/jobs.ts'
import type { AppRow, BranchRow, DeploymentRow, JobRow } from '../../src/store/schema.ts'
import type { DatabaseServer } from './databases.ts'
import { appRow, branchRow, deploymentRow, jobRow } from './rows.ts'

export interface StoreFixture {
  readonly database: Database
  readonly url: string
  readonly server: DatabaseServer
  addApp(row?: Partial<AppRow>): Promise<AppRow>
  /** In an app of its own unless `row` names one. */
  addBranch(row?: Partial<BranchRow>): Promise<BranchRow>
  /** In a branch of its own unless `row` names one; finished unless `row` says otherwise, so that a branch may have many. */
  addJob(row?: Partial<JobRow>): Promise<JobRow>
  /** With a job of its own; made live when `activateAt` is given. */
  addDeployment(branchId: string, activateAt?: number): Promise<{ job: JobRow; deployment: DeploymentRow }>
}

/** A database for the tests of the `describe` in which this is called, opened before them and removed after them. */
export function storeFixture(start: () => Promise<DatabaseServer>): StoreFixture {
  let server: DatabaseServer
  let url: string
  let database: Database

  beforeAll(async () => {
    server = await start()
    url = await server.createDatabase()
    database = await openDatabase(url)
  })
  afterAll(async () => {
    await database.close()
    await server.stop()
  })

  const fixture: StoreFixture = {
    get database() {
      return database
    },
    get url() {
      return url
    },
    get server() {
      return server
    },
    async addApp(row) {
      const app = appRow(row)
      await insertApp(database.queries, app)
      return app
    },
    async addBranch(row = {}) {
      const branch = branchRow(row.appId ?? (await fixture.addApp()).appId, row)
      await insertBranch(database.queries, branch)
      return branch
    },
    async addJob(row = {}) {
      const branchId = row.branchId ?? (await fixture.addBranch()).branchId
      const number = row.number ?? (await database.transaction((tx) => takeJobNumber(tx, branchId)))
      const job = jobRow(branchId, number, { status: 'SUCCEED', ...row })
      await insertJob(database.queries, job)
      return job
    },
    async addDeployment(branchId, activateAt) {
      const job = await fixture.addJob({ branchId })
      const deployment = deploymentRow(job)
      await insertDeployment(database.queries, deployment)
      if (activateAt !== undefined) {
        await database.transaction((tx) =>
          activateDeployment(tx, branchId, deployment.deploymentId, activateAt),
        )
      }
      return { job, deployment }
    },
  }
  return fixture
}

/** What the database said to a write that tests expect it to refuse. */
export async function violation(write: Promise<unknown>): Promise<'none' | 'unique' | 'other'> {
  try {
    await write
    return 'none'
  } catch (error) {
    return isUniqueViolation(error) ? 'unique' : 'other'
  }
}
