import { customRulesFile } from '../model/hosting-files.ts'
import type { ManifestFile } from '../model/manifest.ts'
import { lookUpStatic } from '../model/static-lookup.ts'
import { requestBudget } from '../rules/pattern/bounded-search.ts'
import { readRequestPath } from '../rules/request-path.ts'
import {
  applyFirstRules,
  applyLastRules,
  type Asked,
  fileAt,
  replacedAsset,
  type Trace,
} from './apply-rules.ts'
import { type HeaderSet, noHeaders, personally } from './header-rules.ts'
import type { Deployment, SiteAnswer } from './site.ts'
import { splitUrl } from './split-url.ts'

/** What an edge does with a request; `edge.ts` carries it out. */
export type Decision = Action & {
  headers: HeaderSet
  /** Somebody else may be answered something else; absent where only what is asked for was looked at. */
  dependsOnVisitor?: true
  /** Patterns and rules that took too long and so did not match, those that came too late as one; absent for none. */
  overruns?: number
}

export type Action =
  | FileAction
  | { kind: 'redirect'; status: 301 | 302; location: string }
  /** `status` takes the place of the one that is answered there. */
  | { kind: 'proxy'; url: string; status?: 404 }
  | { kind: 'options' }
  | { kind: 'method-not-allowed' }
  | { kind: Refusal }
  /** There is no page at the address of the site itself: `folder` is that of the deployment. */
  | { kind: 'no-start-page'; folder: string }

export interface FileAction {
  kind: 'file'
  status: 200 | 404
  deployment: Deployment
  path: string
  file: ManifestFile
}

/** How a file is to be sent. */
export type FileDecision = FileAction & { headers: HeaderSet }
export type ProxyDecision = Extract<Decision, { kind: 'proxy' }>

/** Each has its page in `pages.ts`. */
export type Refusal =
  | 'invalid-host'
  | 'malformed-path'
  | 'out-of-target'
  | 'unknown-host'
  | 'never-deployed'
  | 'not-kept'
  | 'not-found'

/** Who asks for what: all that a decision depends on. */
export interface Question {
  method: string
  /** As Bun gives it: absolute and normalised; only the path where the Host is none. */
  url: string
  /** ISO 3166-1 alpha-2 of the visitor's country, where it is known. */
  country(): string | undefined
  header(name: string): string | null
}

/**
 * Decides by what the host shows and what is asked alone: no I/O, no clock (contract/hosting-behaviour.md §5.4).
 * @param trace is told of each rule; it is asked for by who wants to know why
 */
export function decide(site: SiteAnswer, question: Question, trace?: Trace): Decision {
  if (site === 'invalid' || question.url.startsWith('/')) return { kind: 'invalid-host', headers: noHeaders }
  if (site === 'unknown') return { kind: 'unknown-host', headers: noHeaders }
  // Neither asks for anything at a path: CONNECT names a host, TRACE wants to see what others send.
  if (question.method === 'CONNECT' || question.method === 'TRACE') {
    return { kind: 'method-not-allowed', headers: noHeaders }
  }
  const { host, path: rawPath, query } = splitUrl(question.url)
  const path = readRequestPath(rawPath)
  if (!path) return { kind: 'malformed-path', headers: noHeaders }
  const headerBudget = requestBudget()
  const headers = site.headers.of(path.decoded, headerBudget, (place) => trace?.headerPatternGivenUp(place))
  const { deployment } = site
  if (!deployment) return { kind: site.isPermanent ? 'not-kept' : 'never-deployed', headers }
  const { method } = question
  const looked = { atVisitor: false }
  const country = once(() => question.country())
  const asked: Asked = {
    site,
    deployment,
    request: {
      host: host.replace(/:[0-9]*$/, ''),
      path,
      query,
      country() {
        looked.atVisitor = true
        return country()
      },
      header(name) {
        looked.atVisitor = true
        return question.header(name)
      },
    },
    isRead: method === 'GET' || method === 'HEAD',
    budget: requestBudget(),
    trace,
  }
  const action = act(asked, method)
  const overruns = headerBudget.overruns + asked.budget.overruns
  return {
    ...action,
    headers: looked.atVisitor ? personally(headers) : headers,
    ...(looked.atVisitor && { dependsOnVisitor: true as const }),
    ...(overruns > 0 && { overruns }),
  }
}

/** Thousands of rules may ask where a visitor is, which is looked up in a file. */
function once<Value>(find: () => Value): () => Value {
  let found: { value: Value } | undefined
  return () => (found ??= { value: find() }).value
}

function act(asked: Asked, method: string): Action {
  const byRule = applyFirstRules(asked)
  if (byRule && byRule !== 'nothing-there') return byRule
  if (!asked.isRead) return { kind: method === 'OPTIONS' ? 'options' : 'method-not-allowed' }
  const isHidden = byRule !== undefined || isOwnRules(asked)
  return (isHidden ? undefined : byFiles(asked)) ?? applyLastRules(asked) ?? byNotFoundPage(asked)
}

/** A deployment that was made while the option was off has the file among those for visitors. */
function isOwnRules({ site, request: { path } }: Asked): boolean {
  return site.options.customRulesFile && path.segments.length === 1 && path.segments[0] === customRulesFile
}

function byFiles(asked: Asked): Action | undefined {
  const {
    site,
    deployment,
    request: { path, query },
  } = asked
  const found = lookUpStatic(deployment.files, path.raw, query, site.options.trailingSlash)
  switch (found.kind) {
    case 'file':
      return fileAt(deployment, found.path, 200)
    case 'redirect':
      return { ...found, status: 301 }
    case 'malformed-path':
      return found
    default:
      return replacedAsset(site, path.raw)
  }
}

const notFoundPage = '404.html'

function byNotFoundPage({ site, deployment, request: { path } }: Asked): Action {
  if (site.options.notFoundPage && deployment.files.has(notFoundPage))
    return fileAt(deployment, notFoundPage, 404)
  return path.raw === '/' ? { kind: 'no-start-page', folder: deployment.folder } : { kind: 'not-found' }
}
