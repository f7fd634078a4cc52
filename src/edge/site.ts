import type { AppOptions } from '../model/app-options.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import type { Rules } from '../rules/rules.ts'
import type { SiteAccess } from './access.ts'
import type { FileTable } from './file-table.ts'
import type { HeaderRules } from './header-rules.ts'

/** What one host shows, ready to be served. It never changes: whatever does makes another. */
export interface Site {
  appId: string
  branchName: string
  /** Null while the branch has not been deployed, and at the permanent address of a job that is not kept. */
  deployment: Deployment | null
  /** Whether it is the permanent address of a job: it shows that job's deployment, whichever is live. */
  isPermanent: boolean
  /** Live a short while ago, the last one first: visitors have pages open that ask for their assets. */
  replaced: readonly Deployment[]
  /** Ids of the deployments that visitors may ask for instead of the live one; undefined without skew protection. */
  skewProtected: ReadonlySet<string> | undefined
  access: SiteAccess
  rules: Rules
  headers: HeaderRules
  options: SiteOptions
}

/** The files of a job, shared by the hosts that show them. */
export interface Deployment {
  deploymentId: string
  files: FileTable
  /** When it was made: epoch milliseconds, cut to the second, as HTTP dates are. */
  modifiedAt: number
  /** The same as a header says it. */
  lastModified: string
  customHeaders: CustomHeaders[] | undefined
  legacyCustomHeaders: CustomHeaders[] | undefined
  customRules: WrittenRule[] | undefined
  /** Folder of the app in its repository; empty for its root. */
  appRoot: string
  /** Folder whose files it is, as the build spec names it; empty for files that were handed over. */
  folder: string
}

export type SiteOptions = Pick<
  AppOptions,
  'trailingSlash' | 'rewriteMissingOnly' | 'singlePageStatus200' | 'notFoundPage' | 'customRulesFile'
>

/** `unknown`: the host is nobody's. `invalid`: it is no Host at all. */
export type SiteAnswer = Site | 'unknown' | 'invalid'
