import { sql } from 'kysely'

import type { Queries } from './database.ts'

/** Hashes that rows name. What the manifests name comes on top. */
export interface BlobReferences {
  /** By deployments. */
  manifests: Set<string>
  /** By uploads, artifacts and the logs of steps. */
  others: Set<string>
}

/** One statement, so that it sees one state: bytes whose reference moves from row to row are never missed. */
export async function listBlobReferences(queries: Queries): Promise<BlobReferences> {
  const { rows } = await sql<{ sha: string; kind: 'manifest' | 'other' }>`
    select "manifestSha" as "sha", 'manifest' as "kind" from "deployments"
    union all select "sha", 'other' from "artifacts"
    union all select "sha", 'other' from "uploads" where "sha" is not null
    union all select "logSha", 'other' from "steps" where "logSha" is not null`.execute(queries)
  const references: BlobReferences = { manifests: new Set(), others: new Set() }
  for (const { sha, kind } of rows) references[kind === 'manifest' ? 'manifests' : 'others'].add(sha)
  return references
}
