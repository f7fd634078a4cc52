import type { WrittenRule } from './written-rule.ts'

/**
 * The tree of a deployment. Paths are relative, separated by `/`, without a leading slash, in Unicode NFC,
 * exactly as a URL names them after decoding. A manifest never changes and is itself stored as a blob of JSON.
 */
export interface Manifest {
  version: 1
  files: Record<string, ManifestFile>
  /** Headers of its `customHttp.yml`, in the order in which they count; absent for none. */
  customHeaders?: CustomHeaders[]
  /** Headers of its build spec, which count where there are no others. */
  legacyCustomHeaders?: CustomHeaders[]
  /** Rules of its `customRules.json`, which count where the app's options say so. */
  customRules?: WrittenRule[]
  /** Folder of the app in its repository, where that has several. */
  appRoot?: string
  /** Folder of the repository whose files these are; absent where they were handed over, or lie at its root. */
  folder?: string
}

/** Headers for the paths that a pattern selects (contract/hosting-behaviour.md §6.1). */
export interface CustomHeaders {
  pattern: string
  headers: { key: string; value: string }[]
}

export interface ManifestFile {
  /** SHA-256 of the bytes, in hex: the name of the blob. */
  sha: string
  size: number
}

export function emptyManifest(): Manifest {
  // A tenant may publish a file called `__proto__`; a null prototype makes it a key like any other.
  return { version: 1, files: Object.create(null) as Record<string, ManifestFile> }
}

export function manifestBytes(manifest: Manifest): number {
  let bytes = 0
  for (const file of Object.values(manifest.files)) bytes += file.size
  return bytes
}
