import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import { customerError } from './build-failed.ts'

/** In the order in which they count: the first that exists is the spec. */
export const buildSpecFiles = ['amplify.yml', 'amplify.yaml']
export const customHeadersFile = 'customHttp.yml'

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

/**
 * Reads a file at the root of a checkout; undefined when there is none. It is the tenant's: a link could lead to a file of
 * the server, and a parse error would show what is in it.
 */
export async function readOwnFile(folder: string, name: string): Promise<string | undefined> {
  let file
  try {
    file = await open(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    if (hasCode(error, 'ELOOP', 'ENXIO')) throw notAFile(name)
    throw error
  }
  try {
    const status = await file.stat()
    if (!status.isFile()) throw notAFile(name)
    if (status.size > limits.buildSpecBytesMax) {
      throw customerError(`${name} is longer than ${limits.buildSpecBytesMax} bytes`)
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function notAFile(name: string) {
  return customerError(`${name} is a link, folder or device. Make it a plain file of the repository`)
}
