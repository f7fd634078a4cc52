import { sql } from 'kysely'

import { runningStatuses } from '../model/jobs.ts'
import type { Database, Queries, Transaction } from './database.ts'
import { statusIn } from './jobs.ts'
import type { JobRow } from './schema.ts'

export interface Claim {
  owner: string
  now: number
  leaseExpiresAt: number
  /** How many jobs of one account may be at work, on all servers together. */
  accountJobsMax: number
}

/** Another server began a job of the account between the look and the change, and there is room for one of both. */
class AccountIsBusy extends Error {}

/**
 * Claims the PENDING job whose turn it is: it becomes PROVISIONING under `owner`'s lease. Passed over are branches that are
 * busy and accounts that have as many jobs at work as they may. Of the others the app with the fewest jobs at work goes
 * first, then the one that was served longest ago, then the oldest job: who has many branches leaves others their turn.
 * Undefined when there is none. A unique violation means that another worker was faster; the caller tries again.
 */
export async function claimNextJob(database: Database, claim: Claim): Promise<JobRow | undefined> {
  for (;;) {
    try {
      return await database.transaction((transaction) => claimIn(transaction, database.kind, claim))
    } catch (error) {
      // The job waits on, and the next look passes over its account.
      if (!(error instanceof AccountIsBusy)) throw error
    }
  }
}

async function claimIn(
  transaction: Transaction,
  kind: Database['kind'],
  claim: Claim,
): Promise<JobRow | undefined> {
  const job = await takeNextJob(transaction, kind, claim)
  if (!job) return undefined
  const { appId, accountId } = await transaction
    .selectFrom('branches')
    .innerJoin('apps', 'apps.appId', 'branches.appId')
    .select(['apps.appId', 'apps.accountId'])
    .where('branches.branchId', '=', job.branchId)
    .executeTakeFirstOrThrow()
  if (kind === 'postgres') await refuseTooMany(transaction, accountId, claim.accountJobsMax)
  await transaction
    .insertInto('appTurns')
    .values({ appId, servedAt: claim.now })
    .onConflict((conflict) => conflict.column('appId').doUpdateSet({ servedAt: claim.now }))
    .execute()
  return job
}

/**
 * SQLite has one writer. On PostgreSQL claims of one account wait here for each other, no longer than one commits, and
 * whoever waited sees in its next statement what the other has claimed.
 */
async function refuseTooMany(
  transaction: Transaction,
  accountId: string,
  accountJobsMax: number,
): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${accountId}, 0))`.execute(transaction)
  const { count } = await runningJobs(transaction)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('apps.accountId', '=', accountId)
    .executeTakeFirstOrThrow()
  if (count > accountJobsMax) throw new AccountIsBusy()
}

/** The one statement in which a job is chosen and taken; its plan is held by query-plans.test.ts. */
export function takeNextJob(
  queries: Queries,
  kind: Database['kind'],
  claim: Claim,
): Promise<JobRow | undefined> {
  return (
    queries
      // Read once, as there are few, and not for each job that waits.
      .with(
        (cte) => cte('running').materialized(),
        () => runningJobs(queries).select(['branches.appId', 'apps.accountId']),
      )
      .updateTable('jobs')
      .set((eb) => ({
        status: 'PROVISIONING' as const,
        leaseOwner: claim.owner,
        leaseExpiresAt: claim.leaseExpiresAt,
        startedAt: eb.fn.coalesce('startedAt', eb.val(claim.now)),
        claims: eb('claims', '+', 1),
      }))
      .where('jobKey', '=', (eb) => {
        const counted = eb.selectFrom('running').select(({ fn }) => fn.countAll<number>().as('count'))
        const next = eb
          .selectFrom('jobs as candidate')
          .innerJoin('branches', 'branches.branchId', 'candidate.branchId')
          .innerJoin('apps', 'apps.appId', 'branches.appId')
          .leftJoin('appTurns', 'appTurns.appId', 'apps.appId')
          .select('candidate.jobKey')
          .where(statusIn('candidate.status', ['PENDING']))
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('jobs as busy')
                  .select('busy.jobKey')
                  .whereRef('busy.branchId', '=', 'candidate.branchId')
                  .where(statusIn('busy.status', runningStatuses)),
              ),
            ),
          )
          .where(
            counted.where('running.accountId', '=', sql.ref<string>('apps.accountId')),
            '<',
            claim.accountJobsMax,
          )
          .orderBy(counted.where('running.appId', '=', sql.ref<string>('apps.appId')))
          .orderBy(({ fn, val }) => fn.coalesce('appTurns.servedAt', val(0)))
          .orderBy('candidate.createdAt')
          .orderBy('candidate.jobKey')
          .limit(1)
        return kind === 'postgres' ? next.forUpdate('candidate').skipLocked() : next
      })
      .where('status', '=', 'PENDING')
      .returningAll()
      .executeTakeFirst()
  )
}

/** Jobs at work, of all accounts. */
function runningJobs(queries: Queries) {
  return queries
    .selectFrom('jobs')
    .innerJoin('branches', 'branches.branchId', 'jobs.branchId')
    .innerJoin('apps', 'apps.appId', 'branches.appId')
    .where(statusIn('jobs.status', runningStatuses))
}
