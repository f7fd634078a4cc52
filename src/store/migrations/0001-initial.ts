import { type Kysely, type Migration, PostgresAdapter, sql } from 'kysely'

export const initial: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    // Text is compared by its bytes, as SQLite does, whatever the language of the PostgreSQL database: pages come in the
    // same order on both, and no index goes stale when the system's collation changes.
    const text = db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : sql`text`

    await db.schema
      .createTable('accessKeys')
      .addColumn('accessKeyId', text, (column) => column.primaryKey())
      .addColumn('accountId', text, (column) => column.notNull())
      .addColumn('secret', text, (column) => column.notNull())
      .addColumn('description', text, (column) => column.notNull())
      .addColumn('enabled', 'integer', (column) => column.notNull())
      .addColumn('expiresAt', 'bigint')
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .execute()

    await db.schema
      .createTable('apps')
      .addColumn('appId', text, (column) => column.primaryKey())
      .addColumn('accountId', text, (column) => column.notNull())
      .addColumn('region', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('settings', text, (column) => column.notNull())
      .addColumn('tags', text, (column) => column.notNull())
      .addColumn('secrets', text)
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('updatedAt', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('appsByAccount')
      .on('apps')
      .columns(['accountId', 'region', 'createdAt', 'appId'])
      .execute()

    await db.schema
      .createTable('branches')
      .addColumn('branchId', text, (column) => column.primaryKey())
      .addColumn('appId', text, (column) => column.notNull().references('apps.appId').onDelete('cascade'))
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('displayName', text, (column) => column.notNull())
      .addColumn('settings', text, (column) => column.notNull())
      .addColumn('tags', text, (column) => column.notNull())
      .addColumn('secrets', text)
      .addColumn('lastJobNumber', 'bigint', (column) => column.notNull())
      // No reference: deployments refer to branches, and a circle of references cannot be inserted on SQLite.
      .addColumn('activeDeploymentId', text)
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('updatedAt', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('branchesByName', ['appId', 'name'])
      .addUniqueConstraint('branchesByDisplayName', ['appId', 'displayName'])
      .execute()
    await db.schema
      .createIndex('branchesByCreation')
      .on('branches')
      .columns(['appId', 'createdAt', 'branchId'])
      .execute()

    await db.schema
      .createTable('jobs')
      .addColumn('jobKey', text, (column) => column.primaryKey())
      .addColumn('branchId', text, (column) =>
        column.notNull().references('branches.branchId').onDelete('cascade'),
      )
      .addColumn('number', 'bigint', (column) => column.notNull())
      .addColumn('type', text, (column) => column.notNull())
      .addColumn('status', text, (column) => column.notNull())
      .addColumn('statusReason', text)
      .addColumn('commitId', text)
      .addColumn('commitMessage', text)
      .addColumn('commitTime', 'bigint')
      .addColumn('sourceUrl', text)
      .addColumn('sourceUrlType', text)
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('startedAt', 'bigint')
      .addColumn('endedAt', 'bigint')
      .addColumn('deploymentId', text, (column) => column.notNull())
      .addColumn('leaseOwner', text)
      .addColumn('leaseExpiresAt', 'bigint')
      .addColumn('claims', 'integer', (column) => column.notNull())
      .addColumn('commandsStarted', 'integer', (column) => column.notNull())
      .addUniqueConstraint('jobsByNumber', ['branchId', 'number'])
      .execute()
    // The two invariants of a branch's queue; the statuses are those of model/jobs.ts. Queries name them in the same words
    // (`statusIn` in jobs.ts), or SQLite does not use these indexes.
    await sql`create unique index "oneRunningJobPerBranch" on "jobs" ("branchId")
      where "status" in ('PROVISIONING', 'RUNNING', 'CANCELLING')`.execute(db)
    await sql`create unique index "oneWaitingJobPerBranch" on "jobs" ("branchId")
      where "status" in ('CREATED', 'PENDING')`.execute(db)
    await sql`create index "pendingJobs" on "jobs" ("createdAt", "jobKey")
      where "status" in ('PENDING')`.execute(db)
    await sql`create index "unfinishedJobs" on "jobs" ("branchId", "number")
      where "status" in ('CREATED', 'PENDING', 'PROVISIONING', 'RUNNING', 'CANCELLING')`.execute(db)

    await db.schema
      .createTable('steps')
      .addColumn('jobKey', text, (column) => column.notNull().references('jobs.jobKey').onDelete('cascade'))
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('status', text, (column) => column.notNull())
      .addColumn('statusReason', text)
      .addColumn('context', text)
      .addColumn('startedAt', 'bigint', (column) => column.notNull())
      .addColumn('endedAt', 'bigint')
      .addColumn('logSha', text)
      .addPrimaryKeyConstraint('stepsByJob', ['jobKey', 'name'])
      .execute()

    await db.schema
      .createTable('deployments')
      .addColumn('deploymentId', text, (column) => column.primaryKey())
      .addColumn('branchId', text, (column) =>
        column.notNull().references('branches.branchId').onDelete('cascade'),
      )
      .addColumn('jobKey', text, (column) => column.references('jobs.jobKey').onDelete('set null'))
      .addColumn('manifestSha', text, (column) => column.notNull())
      .addColumn('files', 'integer', (column) => column.notNull())
      .addColumn('bytes', 'bigint', (column) => column.notNull())
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('deploymentsByBranch')
      .on('deployments')
      .columns(['branchId', 'createdAt'])
      .execute()
    await db.schema.createIndex('deploymentsByJob').on('deployments').column('jobKey').execute()

    await db.schema
      .createTable('uploads')
      .addColumn('jobKey', text, (column) => column.notNull().references('jobs.jobKey').onDelete('cascade'))
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('md5', text)
      .addColumn('sha', text)
      .addColumn('bytes', 'bigint')
      .addPrimaryKeyConstraint('uploadsByJob', ['jobKey', 'name'])
      .execute()

    await db.schema
      .createTable('artifacts')
      .addColumn('artifactId', text, (column) => column.primaryKey())
      .addColumn('jobKey', text, (column) => column.notNull().references('jobs.jobKey').onDelete('cascade'))
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('fileName', text, (column) => column.notNull())
      .addColumn('sha', text, (column) => column.notNull())
      .addColumn('bytes', 'bigint', (column) => column.notNull())
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('artifactsByFile', ['jobKey', 'kind', 'fileName'])
      .execute()
  },
}
