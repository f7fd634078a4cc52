import { type Kysely, type Migration, PostgresAdapter, sql } from 'kysely'

/** Webhooks, domain associations, backend environments, what keys may do, the audit log, what quotas count. */
export const controlPlane: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const text = db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : sql`text`

    await db.schema
      .createTable('appCreations')
      .addColumn('accountId', text, (column) => column.primaryKey())
      .addColumn('hourStartedAt', 'bigint', (column) => column.notNull())
      .addColumn('count', 'integer', (column) => column.notNull())
      .execute()

    await db.schema
      .createTable('webhooks')
      .addColumn('webhookId', text, (column) => column.primaryKey())
      .addColumn('appId', text, (column) => column.notNull().references('apps.appId').onDelete('cascade'))
      // No reference: a webhook outlives its branch, and says so to its callers.
      .addColumn('branchName', text, (column) => column.notNull())
      .addColumn('description', text, (column) => column.notNull())
      .addColumn('token', text, (column) => column.notNull())
      .addColumn('tags', text, (column) => column.notNull())
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('updatedAt', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('webhooksByCreation')
      .on('webhooks')
      .columns(['appId', 'createdAt', 'webhookId'])
      .execute()
    await db.schema
      .createTable('webhookDeliveries')
      .addColumn('deliveryId', text, (column) => column.primaryKey())
      .addColumn('webhookId', text, (column) =>
        column.notNull().references('webhooks.webhookId').onDelete('cascade'),
      )
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('remoteAddress', text, (column) => column.notNull())
      .addColumn('userAgent', text, (column) => column.notNull())
      .addColumn('statusCode', 'integer', (column) => column.notNull())
      .addColumn('message', text, (column) => column.notNull())
      .addColumn('jobNumber', 'bigint')
      .execute()
    await db.schema
      .createIndex('webhookDeliveriesByTime')
      .on('webhookDeliveries')
      .columns(['webhookId', 'createdAt', 'deliveryId'])
      .execute()

    await db.schema
      .createTable('backendEnvironments')
      .addColumn('backendEnvironmentId', text, (column) => column.primaryKey())
      .addColumn('appId', text, (column) => column.notNull().references('apps.appId').onDelete('cascade'))
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('stackName', text, (column) => column.notNull())
      .addColumn('deploymentArtifacts', text, (column) => column.notNull())
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('updatedAt', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('backendEnvironmentsByName', ['appId', 'name'])
      .execute()
    await db.schema
      .createIndex('backendEnvironmentsByCreation')
      .on('backendEnvironments')
      .columns(['appId', 'createdAt', 'backendEnvironmentId'])
      .execute()

    await db.schema
      .createTable('domainAssociations')
      .addColumn('domainId', text, (column) => column.primaryKey())
      .addColumn('appId', text, (column) => column.notNull().references('apps.appId').onDelete('cascade'))
      .addColumn('domainName', text, (column) => column.notNull())
      .addColumn('settings', text, (column) => column.notNull())
      .addColumn('tags', text, (column) => column.notNull())
      .addColumn('status', text, (column) => column.notNull())
      .addColumn('statusReason', text)
      .addColumn('updateStatus', text)
      .addColumn('ownedAt', 'bigint')
      .addColumn('checkingSince', 'bigint', (column) => column.notNull())
      .addColumn('nextCheckAt', 'bigint')
      .addColumn('checkedAt', 'bigint')
      .addColumn('checks', text, (column) => column.notNull())
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('updatedAt', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('domainAssociationsByName', ['appId', 'domainName'])
      .execute()
    await db.schema
      .createIndex('domainAssociationsByCreation')
      .on('domainAssociations')
      .columns(['appId', 'createdAt', 'domainId'])
      .execute()
    await sql`create index "dueDomainChecks" on "domainAssociations" ("nextCheckAt")
      where "nextCheckAt" is not null`.execute(db)
    // For sub-domains of branches that have no row of their own.
    await sql`create unique index "ownedDomains" on "domainAssociations" ("domainName")
      where "ownedAt" is not null`.execute(db)

    await db.schema
      .createTable('domainHosts')
      .addColumn('domainId', text, (column) =>
        column.notNull().references('domainAssociations.domainId').onDelete('cascade'),
      )
      .addColumn('prefix', text, (column) => column.notNull())
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('host', text, (column) => column.notNull())
      .addColumn('accountId', text, (column) => column.notNull())
      // No reference: the setting outlives its branch, as on AWS.
      .addColumn('branchName', text, (column) => column.notNull())
      .addColumn('verified', 'integer', (column) => column.notNull())
      .addColumn('owned', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('domainHostsByPrefix', ['domainId', 'prefix'])
      .execute()
    // Within an account a host is asked for once; across accounts whoever proves the ownership first has it.
    await db.schema
      .createIndex('oneHostPerAccount')
      .on('domainHosts')
      .columns(['accountId', 'host'])
      .unique()
      .execute()
    await sql`create unique index "oneOwnerPerHost" on "domainHosts" ("host")
      where "owned" = 1`.execute(db)

    const admin = JSON.stringify([
      { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
    ])
    await db.schema
      .alterTable('accessKeys')
      .addColumn('userName', text, (column) => column.notNull().defaultTo('admin'))
      .execute()
    await db.schema
      .alterTable('accessKeys')
      // Keys of earlier versions could do everything, and go on so.
      .addColumn('policies', text, (column) => column.notNull().defaultTo(admin))
      .execute()
    await db.schema.alterTable('accessKeys').addColumn('sessionToken', text).execute()

    await db.schema
      .createTable('auditEvents')
      .addColumn('requestId', text, (column) => column.primaryKey())
      .addColumn('createdAt', 'bigint', (column) => column.notNull())
      .addColumn('accountId', text, (column) => column.notNull())
      .addColumn('region', text, (column) => column.notNull())
      .addColumn('accessKeyId', text, (column) => column.notNull())
      .addColumn('principal', text, (column) => column.notNull())
      .addColumn('operation', text, (column) => column.notNull())
      .addColumn('resource', text, (column) => column.notNull())
      .addColumn('remoteAddress', text, (column) => column.notNull())
      .addColumn('userAgent', text, (column) => column.notNull())
      .addColumn('statusCode', 'integer', (column) => column.notNull())
      .addColumn('errorCode', text)
      .addColumn('message', text)
      .addColumn('parameters', text, (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('auditEventsByTime')
      .on('auditEvents')
      .columns(['accountId', 'createdAt', 'requestId'])
      .execute()
    // For those that are forgotten, whoever's they are.
    await db.schema.createIndex('auditEventsByAge').on('auditEvents').column('createdAt').execute()

    // Counted where jobs come and go: a branch may have a hundred thousand, and each look at it tells how many.
    await db.schema
      .alterTable('branches')
      .addColumn('jobCount', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
    await sql`update "branches" set "jobCount" =
      (select count(*) from "jobs" where "jobs"."branchId" = "branches"."branchId")`.execute(db)
  },
}
