import { sql } from 'kysely'

import type { Database, Transaction } from './database.ts'

/** What is kept: of each branch the newest deployments, however old, and all that are not older than some time. */
export interface Retention {
  /** Deployments of a branch. */
  newest: number
  /** Epoch milliseconds: what came later is kept. */
  since: number
}

export interface Forgotten {
  deployments: number
  artifacts: number
  logs: number
}

/**
 * Forgets deployments that are neither live nor to be kept, and the artifacts and logs of jobs that are as old and have no
 * deployment any more. Jobs stay in the lists; bytes are freed by the sweep.
 */
export async function forgetOld(database: Database, retention: Retention): Promise<Forgotten> {
  let deployments = 0
  for (const [branchId, ids] of await findOldDeployments(database, retention)) {
    deployments += await database.transaction((transaction) => forgetDeployments(transaction, branchId, ids))
  }
  const { queries } = database
  const artifacts = await queries
    .deleteFrom('artifacts')
    .where('createdAt', '<', retention.since)
    .where('jobKey', 'not in', jobsWithDeployments)
    .executeTakeFirst()
  const logs = await queries
    .updateTable('steps')
    .set({ logSha: null })
    .where('logSha', 'is not', null)
    .where('endedAt', '<', retention.since)
    .where('jobKey', 'not in', jobsWithDeployments)
    .executeTakeFirst()
  return {
    deployments,
    artifacts: Number(artifacts.numDeletedRows),
    logs: Number(logs.numUpdatedRows),
  }
}

const jobsWithDeployments = sql<string>`(select "jobKey" from "deployments" where "jobKey" is not null)`

async function findOldDeployments(
  { queries }: Database,
  { newest, since }: Retention,
): Promise<Map<string, string[]>> {
  const rows = await queries
    .selectFrom((eb) =>
      eb
        .selectFrom('deployments')
        .select(['deploymentId', 'branchId', 'createdAt'])
        .select(
          sql<number>`row_number() over (partition by "branchId" order by "createdAt" desc, "deploymentId")`.as(
            'place',
          ),
        )
        .as('placed'),
    )
    .select(['deploymentId', 'branchId'])
    .where('place', '>', newest)
    .where('createdAt', '<', since)
    .execute()
  const byBranch = Map.groupBy(rows, ({ branchId }) => branchId)
  return new Map([...byBranch].map(([branchId, old]) => [branchId, old.map((row) => row.deploymentId)]))
}

const idsAtOnce = 500

/** The branch's row is held: nobody makes one of them live meanwhile. */
async function forgetDeployments(
  transaction: Transaction,
  branchId: string,
  deploymentIds: string[],
): Promise<number> {
  const branch = await transaction
    .updateTable('branches')
    .set((eb) => ({ activeDeploymentId: eb.ref('activeDeploymentId') }))
    .where('branchId', '=', branchId)
    .returning('activeDeploymentId')
    .executeTakeFirst()
  const old = deploymentIds.filter((id) => id !== branch?.activeDeploymentId)
  let count = 0
  for (let start = 0; start < old.length; start += idsAtOnce) {
    const { numDeletedRows } = await transaction
      .deleteFrom('deployments')
      .where('deploymentId', 'in', old.slice(start, start + idsAtOnce))
      .executeTakeFirst()
    count += Number(numDeletedRows)
  }
  return count
}
