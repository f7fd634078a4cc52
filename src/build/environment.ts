import { branchArn } from '../model/arn.ts'
import { paddedJobNumber } from '../model/jobs.ts'

export interface BuildFacts {
  accountId: string
  region: string
  appId: string
  branchName: string
  jobNumber: number
  deploymentId: string
  /** The id of the commit that was checked out. */
  commitId: string
  /** Without credentials. */
  cloneUrl: string
}

export interface BuildVariables {
  /** What the server passes on: see {@link passedOnVariables}. */
  server: Record<string, string>
  spec: Record<string, string>
  app: Record<string, string>
  branch: Record<string, string>
  secrets: Readonly<Record<string, string>>
}

/**
 * The environment of a build (contract/hosting-behaviour.md §1.4). The narrower wins: server, build spec, app, branch. The
 * `AWS_` variables that tell what is built stand above all, as no one else may set them.
 */
export function buildEnvironment(facts: BuildFacts, variables: BuildVariables): Record<string, string> {
  return {
    LANG: 'C.UTF-8',
    ...variables.server,
    CI: 'true',
    USER_BRANCH: facts.branchName,
    AWS_REGION: facts.region,
    AWS_DEFAULT_REGION: facts.region,
    ...variables.spec,
    ...variables.app,
    ...variables.branch,
    ...(Object.keys(variables.secrets).length > 0 && { secrets: JSON.stringify(variables.secrets) }),
    AWS_APP_ID: facts.appId,
    AWS_BRANCH: facts.branchName,
    AWS_BRANCH_ARN: branchArn(facts, facts.appId, facts.branchName),
    AWS_CLONE_URL: facts.cloneUrl,
    AWS_COMMIT_ID: facts.commitId,
    AWS_JOB_ID: paddedJobNumber(facts.jobNumber),
    AWS_AMPLIFY_DEPLOYMENT_ID: facts.deploymentId,
  }
}

/** Without these a build could not reach package registries from where the server stands. */
const reachNames =
  /^(https?_proxy|all_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|curl_ca_bundle|requests_ca_bundle|pip_cert|git_ssl_(cainfo|capath)|npm_config_(registry|cafile|proxy|https_proxy|noproxy|strict_ssl)|yarn_npm_registry_server)$/i

/**
 * Variables of the server that builds see.
 * @param names PREAMP_BUILD_ENV; by default the proxy, CA bundle and npm registry ones, but for values that hold a user
 *   or password in a URL
 */
export function passedOnVariables(
  server: Record<string, string | undefined>,
  names: string[] | undefined,
): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(server)) {
    if (value === undefined) continue
    const chosen = names ? names.includes(name) : reachNames.test(name) && !hasCredentials(value)
    if (chosen) passed[name] = value
  }
  return passed
}

function hasCredentials(value: string): boolean {
  return /[^/\s]@/.test(value.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').split('/')[0]!)
}

const minute = 60_000

/** `_BUILD_TIMEOUT`: minutes from 5 to 120, others are brought to the nearest; what is no number counts as absent. */
export function buildTimeoutMilliseconds(
  environment: Record<string, string>,
  bounds: { buildMinutesMin: number; buildMinutesMax: number; buildMinutesDefault: number },
): number {
  const given = environment['_BUILD_TIMEOUT']?.trim() ?? ''
  if (!/^[0-9]+(\.[0-9]+)?$/.test(given)) return bounds.buildMinutesDefault * minute
  return Math.min(Math.max(Number(given), bounds.buildMinutesMin), bounds.buildMinutesMax) * minute
}
