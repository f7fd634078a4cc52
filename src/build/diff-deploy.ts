import type { JobTrigger } from '../model/jobs.ts'
import { isOn } from './control-variables.ts'

/** What is compared, or why nothing is: a job that is not left out for nothing builds. */
export type DiffQuestion = { compare: string } | { build: true; reason?: string }

/**
 * Whether a job may find that there is nothing to build, by AMPLIFY_DIFF_DEPLOY (contract/hosting-behaviour.md §1.4, §1.9).
 * Who starts a job by hand or by an incoming webhook wants a build, so that only pushes are asked.
 * @param appRoot of the app in a monorepo, else empty
 * @returns the folder to compare, relative to the root of the repository and empty for all of it
 */
export function diffQuestion(
  trigger: JobTrigger,
  variables: Record<string, string>,
  appRoot: string,
): DiffQuestion {
  if (trigger !== 'push' || !isOn(variables['AMPLIFY_DIFF_DEPLOY'])) return { build: true }
  const given = variables['AMPLIFY_DIFF_DEPLOY_ROOT']
  const parts = (given || appRoot || 'src').split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) {
    return { build: true, reason: `AMPLIFY_DIFF_DEPLOY_ROOT leads out of the repository: ${given}` }
  }
  return { compare: parts.join('/') }
}

/** What Git calls the folder in the commit that was built last and in the one to build; undefined where it is not there. */
export interface FolderVersions {
  /** Undefined before the first successful build. */
  lastCommitId: string | undefined
  last: string | undefined
  now: string | undefined
}

/**
 * What to do with a job that may be left out.
 * @param isLive whether visitors see a deployment of the branch, which stays as it is
 */
export function decideDiff(
  folder: string,
  versions: FolderVersions,
  isLive: boolean,
): { build: boolean; reason: string } {
  const shown = folder || '/'
  const { lastCommitId, last, now } = versions
  if (lastCommitId === undefined || !isLive)
    return { build: true, reason: 'nothing of the branch is live yet' }
  if (now === undefined) return { build: true, reason: `${shown} is not in the repository` }
  if (last === undefined) {
    return { build: true, reason: `${shown} of the last build's commit ${lastCommitId} cannot be read` }
  }
  if (last !== now) return { build: true, reason: `${shown} has changed since commit ${lastCommitId}` }
  return { build: false, reason: `no diff detected in ${shown} from previous commit ${lastCommitId}` }
}
