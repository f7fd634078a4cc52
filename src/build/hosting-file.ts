import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import { emptyManifest, type Manifest } from '../model/manifest.ts'
import { customerError } from './build-failed.ts'

/**
 * Takes a file that tells how to host a site, and is not for visitors, out of the files that are published.
 * @param name of the file, at their root
 * @returns its text, undefined where there is none, and the manifest without it
 * @throws {import('./build-failed.ts').BuildFailed} for one that is too long, or that is all there is
 */
export async function takeHostingFile(
  manifest: Manifest,
  name: string,
  blobs: Blobs,
): Promise<{ text: string | undefined; rest: Manifest }> {
  const file = manifest.files[name]
  if (!file) return { text: undefined, rest: manifest }
  const files = Object.assign(emptyManifest().files, manifest.files)
  delete files[name]
  if (Object.keys(files).length === 0) throw customerError(`The deployment has no files but ${name}`)
  if (file.size > limits.buildSpecBytesMax) {
    throw customerError(`${name} is longer than ${limits.buildSpecBytesMax} bytes`)
  }
  return { text: await blobs.open(file.sha).text(), rest: { ...manifest, files } }
}
