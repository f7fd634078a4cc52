import type { StoredBlob } from '../blobs/blobs.ts'
import type { Manifest } from '../model/manifest.ts'
import type { UploadRow } from '../store/schema.ts'
import { FileNames, toManifest } from './collected-files.ts'
import { RefusedContent } from './refused-content.ts'
import { quoted } from './site-path.ts'

/**
 * The manifest of files that were uploaded one by one.
 * @param uploads the rows of a deployment that was created with a `fileMap`
 * @throws {RefusedContent} for a file that was announced and not uploaded, or cannot be published under its name
 */
export function collectFileMap(uploads: Pick<UploadRow, 'name' | 'sha' | 'bytes'>[]): Manifest {
  const names = new FileNames()
  const files = new Map<string, StoredBlob>()
  for (const { name, sha, bytes } of uploads) {
    if (sha === null || bytes === null) {
      throw new RefusedContent(
        `The file ${quoted(name)} was not uploaded before the deployment was started. PUT it to its URL in fileUploadUrls first`,
      )
    }
    files.set(names.add(name, bytes), { sha, size: bytes })
  }
  if (files.size === 0) throw new RefusedContent('The deployment has no files')
  return toManifest(files)
}
