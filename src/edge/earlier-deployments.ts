import { limits } from '../model/limits.ts'
import type { Queries } from '../store/database.ts'
import { listReplacedDeployments } from '../store/deployments.ts'
import type { BranchRow, DeploymentRow } from '../store/schema.ts'

/** Deployments of a branch that are not live any more, and that visitors may still ask for. */
export interface EarlierDeployments {
  /** Live a short while ago, the last one first: their assets are served where the live one has none. */
  replaced: DeploymentRow[]
  /** Ids of those that a visitor may choose; undefined without skew protection (contract/hosting-behaviour.md §6.7). */
  skewProtected: ReadonlySet<string> | undefined
  /** When this changes by itself: epoch milliseconds, or Infinity. */
  until: number
}

export const noneEarlier: EarlierDeployments = { replaced: [], skewProtected: undefined, until: Infinity }

const skewMilliseconds = limits.skewProtectionDays * 24 * 3600 * 1000

/**
 * @param time.now epoch milliseconds
 * @param time.replacedMilliseconds how long assets of a deployment are served after another one took its place
 */
export async function findEarlierDeployments(
  queries: Queries,
  branch: BranchRow,
  { now, replacedMilliseconds }: { now: number; replacedMilliseconds: number },
): Promise<EarlierDeployments> {
  const isProtecting = branch.settings.enableSkewProtection ?? false
  const longest = isProtecting ? Math.max(skewMilliseconds, replacedMilliseconds) : replacedMilliseconds
  const since = now - longest
  // Its pointer has not moved since then: most branches are asked no further.
  const rows =
    branch.updatedAt < since
      ? []
      : await listReplacedDeployments(queries, branch.branchId, { since, limit: limits.skewDeploymentsMax })
  const replaced = rows
    .filter((row) => endOf(row, replacedMilliseconds) > now)
    .slice(0, limits.replacedDeploymentsMax)
  const chosen = isProtecting
    ? rows.filter((row) => row.skewProtected && endOf(row, skewMilliseconds) > now)
    : []
  const ends = [
    ...replaced.map((row) => endOf(row, replacedMilliseconds)),
    ...chosen.map((row) => endOf(row, skewMilliseconds)),
  ]
  const ids = new Set(chosen.map(({ deploymentId }) => deploymentId))
  return { replaced, skewProtected: isProtecting ? ids : undefined, until: Math.min(...ends) }
}

function endOf({ replacedAt }: DeploymentRow, milliseconds: number): number {
  return replacedAt! + milliseconds
}
