import { findAppById, updateApp } from '../store/apps.ts'
import { findBranchById, updateBranch } from '../store/branches.ts'
import type { Database, Transaction } from '../store/database.ts'
import type { AppRow, BranchRow } from '../store/schema.ts'
import type { Detection } from './framework/detect.ts'

/**
 * Writes what was detected to the app and the branch, as AWS does when it connects a repository. What somebody set meanwhile
 * stays; so does the platform, as nothing is detected yet that would change it.
 * @returns the settings that were written, in words
 */
export function keepDetected(
  database: Database,
  { app, branch }: { app: AppRow; branch: BranchRow },
  detection: Detection,
  appRoot: string,
  now: number,
): Promise<string[]> {
  return database.transaction(async (transaction) => {
    const ofApp = await keepBuildSpec(transaction, app, detection.buildSpec, appRoot, now)
    const ofBranch = await keepFramework(transaction, branch, detection.framework, now)
    return [ofApp ? 'the buildSpec of the app' : '', ofBranch ? 'the framework of the branch' : ''].filter(
      Boolean,
    )
  })
}

async function keepBuildSpec(
  transaction: Transaction,
  app: AppRow,
  buildSpec: string,
  appRoot: string,
  now: number,
): Promise<boolean> {
  const isOpen = ({ settings }: AppRow) =>
    (!settings.buildSpec || settings.buildSpecDetected) &&
    settings.buildSpec !== buildSpec &&
    isFolderOfApp(settings.environmentVariables, appRoot)
  if (!isOpen(app)) return false
  // The first write holds the row, so that an update at the same time is not lost (PostgreSQL).
  await updateApp(transaction, app.appId, { updatedAt: Math.max(now, app.createdAt) })
  const held = await findAppById(transaction, app.appId)
  if (!held || !isOpen(held)) return false
  await updateApp(transaction, app.appId, {
    settings: { ...held.settings, buildSpec, buildSpecDetected: true },
  })
  return true
}

async function keepFramework(
  transaction: Transaction,
  branch: BranchRow,
  framework: string,
  now: number,
): Promise<boolean> {
  if (branch.settings.framework) return false
  await updateBranch(transaction, branch.branchId, { updatedAt: Math.max(now, branch.createdAt) })
  const held = await findBranchById(transaction, branch.branchId)
  if (!held || held.settings.framework) return false
  await updateBranch(transaction, branch.branchId, { settings: { ...held.settings, framework } })
  return true
}

/** A folder that is the branch's own choice must not decide for the app's other branches. */
function isFolderOfApp(variables: Record<string, string> | undefined, appRoot: string): boolean {
  const parts = (variables?.['AMPLIFY_MONOREPO_APP_ROOT'] ?? '').split('/')
  return parts.filter((part) => part !== '' && part !== '.').join('/') === appRoot
}
