import type { Blobs, StoredBlob } from '../blobs/blobs.ts'
import { forEachConcurrently } from '../model/concurrently.ts'
import { limits } from '../model/limits.ts'
import type { Manifest } from '../model/manifest.ts'
import { FileNames, toManifest } from './collected-files.ts'
import { findFiles, type FolderOptions, type FoundFile, storeFile } from './read-folder.ts'
import { RefusedContent } from './refused-content.ts'

const filesAtWork = 16

/**
 * Stores the output folder of a build, under the rules of {@link findFiles}.
 * @param options.discardPaths every file lands at the top under its base name; of two with one name the later stays
 * @throws {RefusedContent} when the folder is missing or cannot be published
 */
export async function collectFolder(
  options: FolderOptions & { blobs: Blobs; discardPaths: boolean },
): Promise<Manifest> {
  const names = new FileNames()
  const stored = new Map<string, StoredBlob>()
  const selected = new Map<string, FoundFile>()
  for await (const file of findFiles(options)) {
    const name = options.discardPaths ? file.name.slice(file.name.lastIndexOf('/') + 1) : file.name
    if (options.discardPaths && selected.has(name)) selected.delete(name)
    selected.set(name, file)
    if (selected.size > limits.archiveEntriesMax) {
      throw new RefusedContent(`The artifact directory holds more than ${limits.archiveEntriesMax} files`)
    }
  }
  if (selected.size === 0) {
    throw new RefusedContent(
      `No files to publish in the artifact directory: ${options.baseDirectory || '/'}. It is empty, or artifacts.files selects nothing in it`,
    )
  }
  const paths = [...selected].map(([name, file]) => ({ file, path: names.add(name, 0) }))
  let bytes = 0
  await options.blobs.batch((put) =>
    forEachConcurrently(paths, filesAtWork, async ({ file, path }) => {
      options.signal?.throwIfAborted()
      const blob = await storeFile(put, file)
      bytes += blob.size
      if (bytes > limits.outputBytesMax) {
        throw new RefusedContent(`The artifact directory holds more than ${limits.outputBytesMax} bytes`)
      }
      stored.set(path, blob)
    }),
  )
  return toManifest(stored)
}
