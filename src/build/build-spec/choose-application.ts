import { repositoryPath } from '../../deploy/repository-path.ts'
import { customerError } from '../build-failed.ts'

export interface Choice {
  /** Of the entry in `applications`; undefined where the document itself describes the app. */
  index: number | undefined
  /** Folder of the app, relative to the root of the repository; empty for the root. */
  appRoot: string
  /** For the log. */
  warning?: string
}

/**
 * Finds what of a build spec describes the app (contract/hosting-behaviour.md §1.7).
 * @param entries of `applications`; undefined where the spec has no such key
 * @param wanted AMPLIFY_MONOREPO_APP_ROOT
 * @throws {import('../build-failed.ts').BuildFailed}
 */
export function chooseApplication(
  entries: { appRoot?: string | null | undefined }[] | undefined,
  wanted: string | undefined,
): Choice {
  if (!entries) {
    if (wanted) throw customerError('Monorepo spec provided without "applications" key')
    return { index: undefined, appRoot: '' }
  }
  const roots = entries.map(({ appRoot }, index) =>
    repositoryPath(appRoot ?? '', `applications[${index}].appRoot`),
  )
  const there = roots.map((root) => root || '/').join(', ')
  if (wanted) {
    const appRoot = repositoryPath(wanted, 'AMPLIFY_MONOREPO_APP_ROOT')
    const index = roots.indexOf(appRoot)
    if (index >= 0) return { index, appRoot }
    throw customerError(
      `AMPLIFY_MONOREPO_APP_ROOT is ${wanted}, and no entry of "applications" has this appRoot. They have: ${there || 'none'}`,
    )
  }
  if (roots.length === 1) return { index: 0, appRoot: '', ...ignoredRoot(roots[0]!) }
  throw customerError(
    roots.length === 0
      ? 'The list "applications" of the build spec is empty'
      : `The build spec has ${roots.length} applications. Set AMPLIFY_MONOREPO_APP_ROOT to the appRoot of the one to build: ${there}`,
  )
}

function ignoredRoot(root: string): Pick<Choice, 'warning'> {
  if (root === '') return {}
  return {
    warning: `The only appRoot, ${root}, does not count without AMPLIFY_MONOREPO_APP_ROOT: the build starts at the root of the repository.`,
  }
}
