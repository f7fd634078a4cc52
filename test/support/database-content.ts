import type { Tables } from '../../src/store/schema.ts'
import type { TestApi } from './api.ts'

/** What operations change; what is recorded of every call, refused or not, is no part of it. */
const tables = [
  'apps',
  'branches',
  'jobs',
  'steps',
  'deployments',
  'uploads',
  'artifacts',
  'webhooks',
  'backendEnvironments',
  'domainAssociations',
  'domainHosts',
] as const satisfies (keyof Tables)[]

/** Every row that operations change, to be compared before and after a call that must change nothing. */
export async function databaseContent({ services }: TestApi): Promise<Record<string, unknown[]>> {
  const { queries } = services.database
  const entries = tables.map(
    async (table) => [table, await queries.selectFrom(table).selectAll().execute()] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
