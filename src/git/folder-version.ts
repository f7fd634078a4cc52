import { GitFailed, runGit } from './run-git.ts'

/**
 * The id of a folder in a commit of a clone: the same exactly where the same is in it. No diff is made, so that nothing of
 * the repository's attributes or configuration counts.
 * @param folder relative to the root, which is the empty one
 * @returns undefined where the clone has no such commit, or the commit no such folder
 */
export async function folderVersion(
  clone: string,
  commitId: string,
  folder: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const environment = {
    PATH: process.env['PATH'] ?? '',
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  }
  try {
    const place = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commitId}:${folder}`]
    return (await runGit(place, { environment, cwd: clone, signal })).toString('utf8').trim()
  } catch (error) {
    if (error instanceof GitFailed) return undefined
    throw error
  }
}
