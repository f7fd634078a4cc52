import type { Logger } from 'pino'

import { parseCustomHeaders } from '../deploy/custom-headers.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import { parseNetwork } from '../model/addresses.ts'
import { appOptionsOf } from '../model/app-options.ts'
import { jsonHash } from '../model/json-hash.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import { readRules } from '../rules/rules.ts'
import type { SiteRow } from '../store/deployments.ts'
import type { SiteAccess } from './access.ts'
import { HeaderRules } from './header-rules.ts'
import type { Deployment, Site } from './site.ts'
import { skewVary } from './skew-protection.ts'

/** Which of a branch's deployments a host shows, beside the one that it is compiled with. */
export type ShownBeside = Pick<Site, 'isPermanent' | 'replaced' | 'skewProtected'>

export const nothingBeside: ShownBeside = { isPermanent: false, replaced: [], skewProtected: undefined }

/** By all that a site is made of but its files: two sites whose keys are the same are the same. */
export function siteKey({ app, branch, deployment }: SiteRow, earlierIds: readonly unknown[]): string {
  const { customRules, customHeaders, enableBasicAuth } = app.settings
  const own = [deployment?.deploymentId, branch.name, branch.settings.enableBasicAuth, branch.basicAuth]
  return jsonHash([
    app.appId,
    own,
    earlierIds,
    customRules,
    customHeaders,
    enableBasicAuth,
    app.basicAuth,
    app.options,
  ])
}

export interface CompileOptions {
  /** Whether rules may fetch from `http://` addresses. */
  plainProxies: boolean
  /** Host name of the sites' address. */
  siteSuffix: string
  log: Logger
}

/** Makes what is served under a host ready, from what the database says of it. */
export function compileSite(
  { app, branch }: SiteRow,
  deployment: Deployment | null,
  options: CompileOptions,
  beside: ShownBeside = nothingBeside,
): Site {
  const appOptions = appOptionsOf(app)
  // Anybody can ask for jobs that there are none of: nothing is compiled for them.
  const { own, brought } = deployment ? writtenRules(app, deployment) : { own: [], brought: [] }
  const access = accessOf({ app, branch })
  return {
    appId: app.appId,
    branchName: branch.name,
    deployment,
    ...beside,
    access,
    rules: readRules([...own, ...brought], { ...appOptions, plainProxies: options.plainProxies }),
    headers: headersOf(app, deployment, { ...beside, access }, options),
    options: appOptions,
  }
}

/** The rules of a site as they were written: those of the app, and after them those that the deployment brings. */
export function writtenRules(
  app: SiteRow['app'],
  deployment: Deployment | null,
): { own: readonly WrittenRule[]; brought: readonly WrittenRule[] } {
  return {
    own: app.settings.customRules ?? [],
    brought: appOptionsOf(app).customRulesFile ? (deployment?.customRules ?? []) : [],
  }
}

/** The same host with the files of another deployment, and with the rules and headers that those bring. */
export function showing(site: Site, row: SiteRow, deployment: Deployment, options: CompileOptions): Site {
  const { skewProtected } = site
  const shown = compileSite(row, deployment, options, { isPermanent: false, replaced: [], skewProtected })
  // Rules may be many: they are shared but where each deployment brings its own.
  const rules = appOptionsOf(row.app).customRulesFile ? shown.rules : site.rules
  return { ...shown, rules, access: site.access }
}

/**
 * The branch's credentials go before the app's, and nobody passes where credentials are asked for and none are set
 * (contract/hosting-behaviour.md §6.5).
 */
function accessOf({ app, branch }: Pick<SiteRow, 'app' | 'branch'>): SiteAccess {
  const options = appOptionsOf(app)
  const askedBy = branch.settings.enableBasicAuth
    ? 'branch'
    : app.settings.enableBasicAuth
      ? 'app'
      : undefined
  const asking = askedBy && { branch, app }[askedBy]
  const verifier = asking && new Uint8Array(Buffer.from(asking.basicAuth ?? '', 'base64url'))
  const allowed = networksOf(options.allowedAddresses)
  const denied = networksOf(options.deniedAddresses)
  const { maintenance } = options
  const isOpen = verifier === undefined && allowed.length === 0 && denied.length === 0 && !maintenance
  return { askedBy, verifier, allowed, denied, maintenance, isOpen }
}

function networksOf(list: string) {
  return list.split(',').flatMap((text) => parseNetwork(text.trim()) ?? [])
}

/** Of the places that have some the strongest alone counts (contract/hosting-behaviour.md §6.1). */
function headersOf(
  { appId, settings }: SiteRow['app'],
  deployment: Deployment | null,
  { isPermanent, skewProtected, access }: Pick<Site, 'isPermanent' | 'skewProtected' | 'access'>,
  { siteSuffix, log }: CompileOptions,
): HeaderRules {
  const ours = {
    siteSuffix,
    noIndex: isPermanent,
    vary: skewProtected && skewVary,
    isPersonal: !access.isOpen,
  }
  if (deployment?.customHeaders) return new HeaderRules(deployment.customHeaders, 'customHttp.yml', ours)
  const ofApp = deployment && appHeaders(appId, settings.customHeaders, deployment.appRoot, log)
  if (ofApp) return new HeaderRules(ofApp, 'app', ours)
  return new HeaderRules(deployment?.legacyCustomHeaders ?? [], 'build-spec', ours)
}

function appHeaders(
  appId: string,
  text: string | undefined,
  appRoot: string,
  log: Logger,
): CustomHeaders[] | undefined {
  if (text === undefined) return undefined
  try {
    return parseCustomHeaders(text, 'customHeaders', appRoot)
  } catch (error) {
    if (!(error instanceof RefusedContent)) throw error
    // It was saved by a version that did not look closely.
    log.warn({ err: error, appId }, 'the custom headers of an app cannot be read and are not sent')
    return undefined
  }
}
