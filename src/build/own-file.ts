import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import { BuildFailed, customerError } from './build-failed.ts'

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

/** Like {@link readOwnFile}, where nothing can be concluded from a link, a folder or a file that is too long: undefined for them. */
export async function readOwnFileIfPlain(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readOwnFile(folder, name)
  } catch (error) {
    if (error instanceof BuildFailed) return undefined
    throw error
  }
}

function notAFile(name: string) {
  return customerError(`${name} is a link, folder or device. Make it a plain file of the repository`)
}
