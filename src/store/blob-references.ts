import type { Queries } from './database.ts'

/** Hashes that rows name directly: uploads, artifacts, logs and manifests. What manifests name comes on top. */
export async function listReferencedShas(queries: Queries): Promise<Set<string>> {
  const [uploads, artifacts, logs, manifests] = await Promise.all([
    queries.selectFrom('uploads').select('sha').where('sha', 'is not', null).execute(),
    queries.selectFrom('artifacts').select('sha').execute(),
    queries.selectFrom('steps').select('logSha as sha').where('logSha', 'is not', null).execute(),
    queries.selectFrom('deployments').select('manifestSha as sha').execute(),
  ])
  const shas = new Set<string>()
  for (const row of [...uploads, ...artifacts, ...logs, ...manifests]) if (row.sha !== null) shas.add(row.sha)
  return shas
}
