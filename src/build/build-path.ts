import { lstat, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../model/error-code.ts'
import { isWithin } from '../model/paths.ts'
import { customerError } from './build-failed.ts'

/**
 * The folder that sections start in and that artifacts and caches are relative to, by its real path: no link in it leads out
 * of the checkout. What the commands leave must be found anew by this, since they own the folders of the repository and the
 * one above, and could have put a link to `/` in the place of any. None of their processes may be left to change it after.
 * @param buildPath of the build spec, relative to the checkout
 * @throws {import('./build-failed.ts').BuildFailed} where it is not there or leads elsewhere
 */
export async function realBuildPath(checkout: string, buildPath: string): Promise<string> {
  const status = await lstat(checkout).catch(() => undefined)
  if (!status?.isDirectory()) {
    throw customerError(
      'The commands removed the folder of the repository or put something else in its place',
    )
  }
  const root = await realpath(checkout)
  if (buildPath === '') return root
  const path = await realpath(join(root, buildPath)).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG')) return undefined
    throw error
  })
  if (path === undefined || !(await stat(path)).isDirectory()) {
    throw customerError(
      `The folder ${buildPath}, in which the build spec starts, does not exist in the repository`,
    )
  }
  if (!isWithin(path, root)) {
    throw customerError(
      `The folder ${buildPath}, in which the build spec starts, lies outside of the repository`,
    )
  }
  return path
}
