import { paddedJobNumber } from './jobs.ts'

export interface Scope {
  accountId: string
  region: string
}

/** ARNs as Amplify writes them: branch names keep their slashes, job numbers have ten digits (contract/api-behaviour.md §1.5). */
export const appArn = (scope: Scope, appId: string) =>
  `arn:aws:amplify:${scope.region}:${scope.accountId}:apps/${appId}`

export const branchArn = (scope: Scope, appId: string, branchName: string) =>
  `${appArn(scope, appId)}/branches/${branchName}`

export const jobArn = (scope: Scope, appId: string, branchName: string, jobNumber: number) =>
  `${branchArn(scope, appId, branchName)}/jobs/${paddedJobNumber(jobNumber)}`

export const webhookArn = (scope: Scope, appId: string, webhookId: string) =>
  `${appArn(scope, appId)}/webhooks/${webhookId}`

/** As permissions name webhooks, without their app (AWS's service authorization reference). */
export const webhookPermissionArn = (scope: Scope, webhookId: string) =>
  `arn:aws:amplify:${scope.region}:${scope.accountId}:webhooks/${webhookId}`

export const domainAssociationArn = (scope: Scope, appId: string, domainName: string) =>
  `${appArn(scope, appId)}/domains/${domainName}`

export const backendEnvironmentArn = (scope: Scope, appId: string, environmentName: string) =>
  `${appArn(scope, appId)}/backendenvironments/${environmentName}`

/** Of a key's holder, as IAM writes users. */
export const userArn = (accountId: string, userName: string) => `arn:aws:iam::${accountId}:user/${userName}`

/** What an ARN of Amplify names. */
export type NamedResource = { appId: string } & (
  | { kind: 'app' }
  | { kind: 'branch'; branchName: string }
  | { kind: 'job'; branchName: string; jobNumber: string }
  | { kind: 'domain-association'; domainName: string }
  | { kind: 'webhook'; webhookId: string }
  | { kind: 'backend-environment'; environmentName: string }
)

/**
 * Takes an ARN apart. Everything after `/branches/` is the branch's name, slashes and all, but for a `/jobs/` and ten
 * digits at its end (contract/api-behaviour.md §10). Undefined for an ARN that names no resource of Amplify.
 */
export function parseArn(arn: string): (Scope & { resource: NamedResource }) | undefined {
  const match = /^arn:aws:amplify:([a-z0-9-]+):([0-9]{12}):apps\/([^/]+)(?:\/(\w+)\/(.+))?$/s.exec(arn)
  if (!match) return undefined
  const [, region = '', accountId = '', appId = '', collection, name = ''] = match
  const resource = namedResource(appId, collection, name)
  return resource && { region, accountId, resource }
}

function namedResource(
  appId: string,
  collection: string | undefined,
  name: string,
): NamedResource | undefined {
  switch (collection) {
    case undefined:
      return { kind: 'app', appId }
    case 'branches': {
      const job = /^(.+)\/jobs\/([0-9]{10})$/s.exec(name)
      return job
        ? { kind: 'job', appId, branchName: job[1]!, jobNumber: job[2]! }
        : { kind: 'branch', appId, branchName: name }
    }
    case 'domains':
      return { kind: 'domain-association', appId, domainName: name }
    case 'webhooks':
      return { kind: 'webhook', appId, webhookId: name }
    case 'backendenvironments':
      return { kind: 'backend-environment', appId, environmentName: name }
    default:
      return undefined
  }
}
