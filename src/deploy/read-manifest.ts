import type { Blobs } from '../blobs/blobs.ts'
import { hashOf } from '../blobs/hash.ts'
import type { Manifest } from '../model/manifest.ts'

/** A manifest that a row names is gone, or its bytes are not those of its name: the disk's fault, or an operator's. */
export class UnreadableManifest extends Error {}

/**
 * Reads a manifest and holds its bytes against its name.
 * @throws {UnreadableManifest}
 */
export async function readManifest(blobs: Blobs, sha: string): Promise<Manifest> {
  if (!(await blobs.has(sha)))
    throw new UnreadableManifest(`The manifest ${sha} is missing. \`preamp doctor\` says whose it is.`)
  const bytes = new Uint8Array(await blobs.open(sha).arrayBuffer())
  if (hashOf(bytes) !== sha) {
    throw new UnreadableManifest(
      `The manifest ${sha} is damaged: its bytes do not have this hash. \`preamp doctor\` says whose it is.`,
    )
  }
  return JSON.parse(new TextDecoder().decode(bytes)) as Manifest
}
