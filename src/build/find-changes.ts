import { folderVersion } from '../git/folder-version.ts'
import type { JobTrigger } from '../model/jobs.ts'
import type { BuildLog } from './build-log.ts'
import { decideDiff, diffQuestion } from './diff-deploy.ts'

export interface ChangeOptions {
  trigger: JobTrigger
  variables: Record<string, string>
  appRoot: string
  /** Whether visitors see a deployment of the branch. */
  isLive: boolean
  /** Folder of the checkout, which no command has touched yet. */
  clone: string
  commitId: string
  lastBuiltCommit(): Promise<string | undefined>
  signal: AbortSignal
  log: BuildLog
}

/**
 * Looks whether the job has anything to build, where AMPLIFY_DIFF_DEPLOY has it look.
 * @returns why it has not; undefined for a job that builds
 */
export async function findNoChange(options: ChangeOptions): Promise<string | undefined> {
  const { clone, commitId, signal, log } = options
  const question = diffQuestion(options.trigger, options.variables, options.appRoot)
  if ('build' in question) {
    if (question.reason !== undefined) log.write('WARNING', `# ${question.reason}`)
    return undefined
  }
  const folder = question.compare
  const lastCommitId = await options.lastBuiltCommit()
  const versionIn = (commit: string) => folderVersion(clone, commit, folder, signal)
  const last = lastCommitId === undefined ? undefined : await versionIn(lastCommitId)
  const now = await versionIn(commitId)
  const { build, reason } = decideDiff(folder, { lastCommitId, last, now }, options.isLive)
  log.write('INFO', `# AMPLIFY_DIFF_DEPLOY: ${reason}.`)
  return build ? undefined : `The frontend was not built: ${reason}.`
}
