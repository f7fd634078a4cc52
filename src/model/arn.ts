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
