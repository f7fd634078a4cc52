import type { Blobs } from '../blobs/blobs.ts'
import { listBlobReferences } from '../store/blob-references.ts'
import type { Database } from '../store/database.ts'
import { readManifest } from './read-manifest.ts'

export interface Swept {
  blobs: number
  bytes: number
}

/**
 * Frees bytes that no row and no manifest of a deployment refers to, and that were put before the grace period.
 *
 * Safe beside a publish that runs meanwhile, as long as the publish commits within the grace period after it put its first
 * blob: what was put later than `grace` before the sweep began is never looked at; what was put earlier has its row by
 * then, and the rows are read after that moment, in one statement. Bytes that are put or touched again while the sweep is
 * at work are kept, because the deletion looks at the time once more.
 * @param options.graceMilliseconds longer than any publish takes
 * @param options.now epoch milliseconds, by the clock that says when blobs are put
 * @returns what was freed
 * @throws {UnreadableManifest} before anything is freed: what that manifest refers to is not known
 */
export async function sweepBlobs(options: {
  database: Database
  blobs: Blobs
  graceMilliseconds: number
  now(): number
}): Promise<Swept> {
  const { database, blobs } = options
  const putBefore = options.now() - options.graceMilliseconds
  const freed: Swept = { blobs: 0, bytes: 0 }
  for (const [sha, size] of await findUnreferenced(database, blobs, putBefore)) {
    if (!(await blobs.delete(sha, { putBefore }))) continue
    freed.blobs++
    freed.bytes += size
  }
  return freed
}

/**
 * Blobs put before `putBefore` that nothing refers to, with their sizes.
 * @throws {UnreadableManifest}
 */
async function findUnreferenced(
  database: Database,
  blobs: Blobs,
  putBefore: number,
): Promise<Map<string, number>> {
  const references = await listBlobReferences(database.queries)
  const candidates = new Map<string, number>()
  for await (const { sha, size, putAt } of blobs.list()) {
    if (putAt < putBefore && !references.others.has(sha) && !references.manifests.has(sha)) {
      candidates.set(sha, size)
    }
  }
  for (const manifestSha of references.manifests) {
    // Most sweeps find nothing, and know it before they have read every manifest.
    if (candidates.size === 0) break
    for (const { sha } of Object.values((await readManifest(blobs, manifestSha)).files))
      candidates.delete(sha)
  }
  return candidates
}
