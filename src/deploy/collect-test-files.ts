import type { Blobs, StoredBlob } from '../blobs/blobs.ts'
import { forEachConcurrently } from '../model/concurrently.ts'
import { limits } from '../model/limits.ts'
import { findFiles, type FolderOptions, type FoundFile, selector, storeFile } from './read-folder.ts'
import { sitePath } from './site-path.ts'

export interface TestFiles {
  /** By their names below the base directory. */
  files: Map<string, StoredBlob>
  /** Name of the one among them that tells the results; undefined where there is none. */
  config: string | undefined
  /** How many more there were. */
  leftOut: number
}

const filesAtWork = 4

/**
 * Stores what a run of the test phase left, under the rules of {@link findFiles}: the first files in the order of names, up
 * to `limits.testArtifactsMax` and `limits.testArtifactsBytesMax`, and in any case the one that tells the results; of several
 * the first counts.
 * @param options.configFilePath glob of that file, relative to the base directory
 * @throws {RefusedContent} when the folder is missing or cannot be read
 */
export async function collectTestFiles(
  options: FolderOptions & { blobs: Blobs; configFilePath: string | undefined },
): Promise<TestFiles> {
  const { blobs, files, configFilePath, signal } = options
  const configs = configFilePath === undefined ? [] : [configFilePath]
  const isConfig = selector(configs)
  const selected = new Kept()
  for await (const file of findFiles({ ...options, files: [...files, ...configs] })) {
    selected.add({ ...file, name: sitePath(file.name) }, isConfig(file.name))
  }
  const stored = new Map<string, StoredBlob>()
  await blobs.batch((put) =>
    forEachConcurrently(selected.files.values(), filesAtWork, async (file) => {
      signal?.throwIfAborted()
      stored.set(file.name, await storeFile(put, file))
    }),
  )
  return { files: stored, config: selected.config, leftOut: selected.leftOut }
}

/** What is kept of the files that are found, within the limits. */
class Kept {
  readonly files = new Map<string, FoundFile>()
  config: string | undefined
  leftOut = 0
  #bytes = 0

  add(file: FoundFile, isConfig: boolean): void {
    const isFirstConfig = isConfig && this.config === undefined
    if (!this.#hasRoom(file) && !(isFirstConfig && file.size <= limits.testArtifactsBytesMax)) {
      this.leftOut++
      return
    }
    if (isFirstConfig) this.config = file.name
    this.files.set(file.name, file)
    this.#bytes += file.size
  }

  #hasRoom(file: FoundFile): boolean {
    return (
      this.files.size < limits.testArtifactsMax && this.#bytes + file.size <= limits.testArtifactsBytesMax
    )
  }
}
