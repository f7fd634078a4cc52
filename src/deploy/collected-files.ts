import type { StoredBlob } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import { emptyManifest, type Manifest } from '../model/manifest.ts'
import { RefusedContent } from './refused-content.ts'
import { quoted, sitePath } from './site-path.ts'

/** Names the files of a deployment while it is collected, and keeps it within its bounds. */
export class FileNames {
  readonly #sources = new Map<string, string>()
  #bytes = 0

  /**
   * Takes one file in.
   * @param name what it is called where it comes from
   * @returns the path under which it is published
   * @throws {RefusedContent} for a bad name, one that is there already, or one file or byte too many
   */
  add(name: string, bytes: number): string {
    const path = sitePath(name)
    const other = this.#sources.get(path)
    if (other === name) throw new RefusedContent(`The file ${quoted(name)} appears twice`)
    if (other !== undefined) {
      throw new RefusedContent(
        `The files ${quoted(other)} and ${quoted(name)} have the same name in different Unicode forms. Rename one`,
      )
    }
    this.#sources.set(path, name)
    if (this.#sources.size > limits.archiveEntriesMax) {
      throw new RefusedContent(`There are more than ${limits.archiveEntriesMax} files`)
    }
    this.#bytes += bytes
    if (this.#bytes > limits.archiveUnpackedBytesMax) {
      throw new RefusedContent(`The files hold more than ${limits.archiveUnpackedBytesMax} bytes together`)
    }
    return path
  }
}

/** A manifest in the order of its paths, so that the same files always make the same manifest. */
export function toManifest(files: Map<string, StoredBlob>): Manifest {
  const manifest = emptyManifest()
  for (const path of [...files.keys()].toSorted()) {
    const { sha, size } = files.get(path)!
    manifest.files[path] = { sha, size }
  }
  return manifest
}
