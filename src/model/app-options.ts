import type { TrailingSlash } from './static-lookup.ts'

/** What Preamp lets one choose for an app beyond AWS's settings (`/_preamp/apps/{appId}/options`, `preamp options`). */
export interface AppOptions {
  /** Whether the commands of builds reach the network. */
  network: boolean
  /** Whether a push stops the job that still builds an older commit of its branch. */
  cancelSuperseded: boolean
  /** Whether visitors see a page that says so instead of the site. */
  maintenance: boolean
  /** Networks in CIDR form or addresses, separated by commas, from which alone the site is seen; empty for all. */
  allowedAddresses: string
  /** From which it is not. */
  deniedAddresses: string
  trailingSlash: TrailingSlash
  /** Whether a rewrite applies only where no file answers. */
  rewriteMissingOnly: boolean
  /** Whether the rule of Amplify's console for single-page apps answers with status 200. */
  singlePageStatus200: boolean
  /** Whether `404.html` is shown, with status 404, where nothing is. */
  notFoundPage: boolean
  /** Whether `$1` in a target is what the first group of the source's expression matched. */
  expressionGroups: boolean
  /** Whether a condition of a rule may ask for a header: `<accept-language: de*>`. */
  headerConditions: boolean
  /** Whether the rules of a `customRules.json` in what is deployed come after those of the app. */
  customRulesFile: boolean
  /** Whether a deployment fails that has neither `index.html` nor a rule for `/`. */
  requireIndex: boolean
}

export const appOptionDefaults: AppOptions = {
  network: true,
  cancelSuperseded: false,
  maintenance: false,
  allowedAddresses: '',
  deniedAddresses: '',
  trailingSlash: 'auto',
  rewriteMissingOnly: false,
  singlePageStatus200: false,
  notFoundPage: false,
  expressionGroups: false,
  headerConditions: false,
  customRulesFile: false,
  requireIndex: false,
}

/** The app's options, with the defaults of those that were not set. */
export function appOptionsOf(app: { options: Partial<AppOptions> }): AppOptions {
  return { ...appOptionDefaults, ...app.options }
}
