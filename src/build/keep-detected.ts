import { findAppById, updateApp } from '../store/apps.ts'
import { findBranchById, updateBranch } from '../store/branches.ts'
import type { Database } from '../store/database.ts'
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
    const written: string[] = []
    // The first write holds the row, so that an update at the same time is not lost (PostgreSQL).
    await updateApp(transaction, app.appId, { updatedAt: Math.max(now, app.createdAt) })
    const settings = (await findAppById(transaction, app.appId))?.settings
    if (settings && !settings.buildSpec && isFolderOfApp(settings.environmentVariables, appRoot)) {
      await updateApp(transaction, app.appId, { settings: { ...settings, buildSpec: detection.buildSpec } })
      written.push('the buildSpec of the app')
    }
    await updateBranch(transaction, branch.branchId, { updatedAt: Math.max(now, branch.createdAt) })
    const ofBranch = (await findBranchById(transaction, branch.branchId))?.settings
    if (ofBranch && !ofBranch.framework) {
      await updateBranch(transaction, branch.branchId, {
        settings: { ...ofBranch, framework: detection.framework },
      })
      written.push('the framework of the branch')
    }
    return written
  })
}

/** A folder that is the branch's own choice must not decide for the app's other branches. */
function isFolderOfApp(variables: Record<string, string> | undefined, appRoot: string): boolean {
  const parts = (variables?.['AMPLIFY_MONOREPO_APP_ROOT'] ?? '').split('/')
  return parts.filter((part) => part !== '' && part !== '.').join('/') === appRoot
}
