import { buildSpecFiles } from '../model/hosting-files.ts'
import { readOwnFile } from './own-file.ts'

export interface FoundBuildSpec {
  text: string
  /** For the log. */
  origin: string
}

/** The spec that counts: the repository's file, else the branch's, else the app's (contract/hosting-behaviour.md §1.1). */
export async function findBuildSpec(
  folder: string,
  branchSpec: string | undefined,
  appSpec: string | undefined,
): Promise<FoundBuildSpec | undefined> {
  for (const name of buildSpecFiles) {
    const text = await readOwnFile(folder, name)
    if (text !== undefined) return { text, origin: name }
  }
  if (branchSpec) return { text: branchSpec, origin: "the branch's buildSpec" }
  if (appSpec) return { text: appSpec, origin: "the app's buildSpec" }
  return undefined
}
