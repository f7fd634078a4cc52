import type { Migration } from 'kysely'

import { initial } from './0001-initial.ts'
import { controlPlane } from './0002-control-plane.ts'
import { builds } from './0003-builds.ts'
import { jobTriggers } from './0004-job-triggers.ts'
import { queue } from './0005-queue.ts'
import { notifications } from './0006-notifications.ts'
import { edge } from './0007-edge.ts'
import { replacedDeployments } from './0008-replaced-deployments.ts'

/** Applied in the order of their names, each once. A migration that has been released never changes. */
export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-control-plane': controlPlane,
  '0003-builds': builds,
  '0004-job-triggers': jobTriggers,
  '0005-queue': queue,
  '0006-notifications': notifications,
  '0007-edge': edge,
  '0008-replaced-deployments': replacedDeployments,
}
