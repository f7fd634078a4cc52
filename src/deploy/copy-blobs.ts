import type { Blobs } from '../blobs/blobs.ts'
import { forEachConcurrently } from '../model/concurrently.ts'
import { hasCode } from '../model/error-code.ts'
import { listBlobReferences } from '../store/blob-references.ts'
import type { Database } from '../store/database.ts'
import { readManifest, UnreadableManifest } from './read-manifest.ts'

const copiesAtWork = 8

export interface Copied {
  blobs: number
  bytes: number
}

/** A blob that must be copied is missing or damaged. */
export class BlobNotCopied extends Error {}

/**
 * Copies every blob that the database's rows and manifests refer to, and holds each against its hash on the way. They
 * become durable together at the end; when one cannot be copied none is kept.
 * @param progress told how many of how many are copied
 * @throws {BlobNotCopied}
 */
export async function copyBlobs(
  database: Database,
  from: Blobs,
  to: Blobs,
  progress: (done: number, total: number) => void,
): Promise<Copied> {
  const shas = await listAllReferences(database, from)
  const copied: Copied = { blobs: 0, bytes: 0 }
  await to.batch((put) =>
    forEachConcurrently(shas, copiesAtWork, async (sha) => {
      const stored = await put(from.open(sha).stream()).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error
        throw new BlobNotCopied(`The object ${sha} is missing.`, { cause: error })
      })
      if (stored.sha !== sha) {
        throw new BlobNotCopied(`The object ${sha} is damaged: its bytes do not have this hash.`)
      }
      copied.blobs++
      copied.bytes += stored.size
      progress(copied.blobs, shas.size)
    }),
  )
  return copied
}

async function listAllReferences(database: Database, blobs: Blobs): Promise<Set<string>> {
  const { manifests, others } = await listBlobReferences(database.queries)
  const shas = new Set([...manifests, ...others])
  for (const manifestSha of manifests) {
    const manifest = await readManifest(blobs, manifestSha).catch((error: unknown) => {
      throw error instanceof UnreadableManifest ? new BlobNotCopied(error.message, { cause: error }) : error
    })
    for (const { sha } of Object.values(manifest.files)) shas.add(sha)
  }
  return shas
}
