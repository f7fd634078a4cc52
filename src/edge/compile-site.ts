import type { Logger } from 'pino'

import { parseCustomHeaders } from '../deploy/custom-headers.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import { parseNetwork } from '../model/addresses.ts'
import { appOptionsOf } from '../model/app-options.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import { readRules } from '../rules/rules.ts'
import type { SiteRow } from '../store/deployments.ts'
import type { SiteAccess } from './access.ts'
import { HeaderRules } from './header-rules.ts'
import type { Deployment, Site } from './site.ts'

/** All that a site is made of but its files: two sites whose texts are the same are the same. */
export function siteKey({ app, branch, deployment }: SiteRow): string {
  const { customRules, customHeaders, enableBasicAuth } = app.settings
  const own = [deployment?.deploymentId, branch.name, branch.settings.enableBasicAuth, branch.basicAuth]
  return JSON.stringify([
    app.appId,
    own,
    customRules,
    customHeaders,
    enableBasicAuth,
    app.basicAuth,
    app.options,
  ])
}

/** Makes what is served under a host ready, from what the database says of it. */
export function compileSite(
  { app, branch }: SiteRow,
  deployment: Deployment | null,
  { plainProxies, log }: { plainProxies: boolean; log: Logger },
): Site {
  const options = appOptionsOf(app)
  const { own, brought } = writtenRules(app, deployment)
  return {
    appId: app.appId,
    branchName: branch.name,
    deployment,
    access: accessOf({ app, branch }),
    rules: readRules([...own, ...brought], { ...options, plainProxies }),
    headers: headersOf(app, deployment, log),
    options,
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
  return {
    askedBy,
    verifier: asking && new Uint8Array(Buffer.from(asking.basicAuth ?? '', 'base64url')),
    allowed: networksOf(options.allowedAddresses),
    denied: networksOf(options.deniedAddresses),
    maintenance: options.maintenance,
  }
}

function networksOf(list: string) {
  return list.split(',').flatMap((text) => parseNetwork(text.trim()) ?? [])
}

/** Of the places that have some the strongest alone counts (contract/hosting-behaviour.md §6.1). */
function headersOf(
  { appId, settings }: SiteRow['app'],
  deployment: Deployment | null,
  log: Logger,
): HeaderRules {
  if (deployment?.customHeaders) return new HeaderRules(deployment.customHeaders, 'customHttp.yml')
  const ofApp = appHeaders(appId, settings.customHeaders, deployment?.appRoot ?? '', log)
  if (ofApp) return new HeaderRules(ofApp, 'app')
  return new HeaderRules(deployment?.legacyCustomHeaders ?? [], 'build-spec')
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
