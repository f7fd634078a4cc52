import { parseCustomHeaders } from '../deploy/custom-headers.ts'
import { ownHosts } from '../deploy/own-hosts.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import { sentHeaders } from '../deploy/sent-headers.ts'
import { quoted } from '../deploy/site-path.ts'
import { type AppOptions, appOptionsOf } from '../model/app-options.ts'
import type { CustomHeaders, Manifest } from '../model/manifest.ts'
import { explainLoop, findLoop } from '../rules/loops.ts'
import { patternWarning } from '../rules/pattern/glob.ts'
import { readRules } from '../rules/rules.ts'
import { hasStartPage } from '../rules/start-page.ts'
import type { Queries } from '../store/database.ts'
import type { AppRow } from '../store/schema.ts'
import { customerError } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'

export interface CheckSiteOptions {
  queries: Queries
  /** Whether rules may fetch from `http://` addresses. */
  plainProxies: boolean
  defaultDomain(appId: string): string
}

/** Rules that are named in a log, of those that have no effect, and patterns. */
const namedMax = 20

/**
 * Says in the deploy log what visitors will miss: the start page, rules that have no effect, headers whose patterns mean something
 * else, and headers that are not sent.
 * @throws {import('./build-failed.ts').BuildFailed} for rules of `customRules.json` that lead to themselves, and for a missing
 * start page where the app's option `requireIndex` asks for one
 */
export async function checkSite(
  manifest: Manifest,
  { app, log }: { app: AppRow; log: BuildLog },
  { queries, plainProxies, defaultDomain }: CheckSiteOptions,
): Promise<void> {
  const options = appOptionsOf(app)
  const written = [...(app.settings.customRules ?? []), ...(manifest.customRules ?? [])]
  if (manifest.customRules) {
    const isOwnHost = await ownHosts(queries, app.appId, defaultDomain(app.appId))
    const loop = findLoop(written, { ...options, plainProxies }, isOwnHost)
    if (loop) throw customerError(explainLoop(loop, written[loop.index]!))
  }
  const rules = readRules(written, { ...options, plainProxies })
  for (const { index, ignored } of rules.ignored.slice(0, namedMax)) {
    log.write(
      'WARNING',
      `The custom rule for ${quoted(written[index]!.source ?? '')}, number ${index + 1}, has no effect: ${ignored}`,
    )
  }
  if (rules.ignored.length > namedMax) {
    log.write('WARNING', `${rules.ignored.length} rules have no effect.`)
  }
  const entries = manifest.customHeaders ?? manifest.legacyCustomHeaders ?? []
  const foreign = entries.flatMap(({ pattern }) => patternWarning(pattern) ?? [])
  for (const warning of foreign.slice(0, namedMax)) log.write('WARNING', warning)
  const { leftOut } = sentHeaders(headersOf(manifest, app), siteSuffixOf(app, defaultDomain))
  for (const sentence of leftOut) log.write('WARNING', sentence)
  // A server renders the start page of such a bundle.
  if (Object.hasOwn(manifest.files, 'deploy-manifest.json')) return
  const files = { has: (path: string) => Object.hasOwn(manifest.files, path) }
  if (!hasStartPage(files, rules)) missStartPage(manifest, options, log)
}

/** Those that count, as an edge chooses them; none where those of the app were saved before anybody looked closely. */
function headersOf(
  { customHeaders, legacyCustomHeaders = [], appRoot = '' }: Manifest,
  { settings }: AppRow,
): CustomHeaders[] {
  if (customHeaders) return customHeaders
  if (settings.customHeaders === undefined) return legacyCustomHeaders
  try {
    return parseCustomHeaders(settings.customHeaders, 'customHeaders', appRoot) ?? legacyCustomHeaders
  } catch (error) {
    if (!(error instanceof RefusedContent)) throw error
    return legacyCustomHeaders
  }
}

/** The sites' host, which the domains of all apps stand below. */
function siteSuffixOf({ appId }: AppRow, defaultDomain: CheckSiteOptions['defaultDomain']): string {
  return new URL(`http://${defaultDomain(appId)}`).hostname.slice(appId.length + 1)
}

function missStartPage(manifest: Manifest, { requireIndex }: AppOptions, log: BuildLog): void {
  const missing = `There is no index.html ${placeOf(manifest)}${wrappedIn(manifest)}`
  if (requireIndex) {
    throw customerError(
      `${missing}, and no rule for / leads elsewhere. Publish the folder that holds it; or set the app's option requireIndex to false.`,
    )
  }
  log.write('WARNING', `${missing}, so the address of the site itself shows nothing.`)
}

function placeOf({ folder }: Manifest): string {
  return folder === undefined
    ? 'at the root of the files'
    : `in the folder ${quoted(folder)}, which was published`
}

/** The usual mistake: the folder itself was packed instead of what is in it. */
function wrappedIn({ files }: Manifest): string {
  const paths = Object.keys(files)
  const end = paths[0]?.indexOf('/') ?? -1
  const folder = paths[0]?.slice(0, end + 1) ?? ''
  const isWrapped = end !== -1 && paths.every((path) => path.startsWith(folder))
  return isWrapped ? ` (everything lies in ${quoted(folder)}: publish what is in that folder)` : ''
}
