import { realpath } from 'node:fs/promises'

import { hasCode } from '../model/error-code.ts'
import { isWithin } from '../model/paths.ts'
import { RepositoryRefused } from './repository.ts'

/** Which repositories of the server's own file system may be cloned. */
export interface LocalRepositories {
  /** `PREAMP_FILE_REPOSITORIES` */
  allowed: boolean
  /**
   * The data directory, in its real spelling. What lies in it is no repository: builds write to folders there, and Git follows
   * the links in a repository as the server's user.
   */
  dataFolder: string
  /** The folder in it that only the server writes, with the repositories of the examples. */
  examplesFolder: string
}

/** @throws {RepositoryRefused} for a path that is not to be cloned */
export async function checkLocalRepository(
  path: string,
  { allowed, dataFolder, examplesFolder }: LocalRepositories,
): Promise<void> {
  if (!allowed) {
    throw new RepositoryRefused(
      'This server does not build local repositories. Its operator can allow them with PREAMP_FILE_REPOSITORIES=true.',
    )
  }
  const real = await realPath(path)
  if (real === undefined || !isWithin(real, dataFolder) || isWithin(real, examplesFolder)) return
  throw new RepositoryRefused(
    `${path} lies in the data directory of this server, where no repository is. Keep it elsewhere.`,
  )
}

/** Undefined for what does not exist, of which Git says so in its own words. */
async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) return undefined
    throw error
  }
}
