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
  const rows = await queries
    .selectFrom('deployments')
    .select(['manifestSha as sha', (eb) => eb.val('manifest').as('kind')])
    .unionAll((eb) =>
      eb.selectFrom('artifacts').select(['artifacts.sha', (eb) => eb.val('other').as('kind')]),
    )
    .unionAll((eb) =>
      eb
        .selectFrom('uploads')
        .select((eb) => [eb.ref('uploads.sha').$notNull().as('sha'), eb.val('other').as('kind')])
        .where('uploads.sha', 'is not', null),
    )
    .unionAll((eb) =>
      eb
        .selectFrom('steps')
        .select((eb) => [eb.ref('steps.logSha').$notNull().as('sha'), eb.val('other').as('kind')])
        .where('steps.logSha', 'is not', null),
    )
    .execute()
  const references: BlobReferences = { manifests: new Set(), others: new Set() }
  for (const { sha, kind } of rows) references[kind === 'manifest' ? 'manifests' : 'others'].add(sha)
  return references
}
