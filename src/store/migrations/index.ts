import type { Migration } from 'kysely'

import { initial } from './0001-initial.ts'
import { controlPlane } from './0002-control-plane.ts'

/** Applied in the order of their names, each once. A migration that has been released never changes. */
export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-control-plane': controlPlane,
}
