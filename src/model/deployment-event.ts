import { jobArn, type Scope } from './arn.ts'

/** The event that Amplify sends to EventBridge when a job has ended: who reads that one can read this one. */
export interface DeploymentEvent {
  version: '0'
  id: string
  'detail-type': 'Amplify Deployment Status Change'
  source: 'aws.amplify'
  account: string
  /** ISO 8601 in UTC, to the second. */
  time: string
  region: string
  resources: string[]
  detail: { appId: string; branchName: string; jobId: string; jobStatus: string }
}

/**
 * @param end.jobNumber 0 for the event of a test, as no job has that number
 * @param end.now epoch milliseconds
 */
export function deploymentEvent(
  scope: Scope,
  end: { id: string; appId: string; branchName: string; jobNumber: number; jobStatus: string; now: number },
): DeploymentEvent {
  const { id, appId, branchName, jobNumber, jobStatus, now } = end
  return {
    version: '0',
    id,
    'detail-type': 'Amplify Deployment Status Change',
    source: 'aws.amplify',
    account: scope.accountId,
    time: new Date(now).toISOString().replace(/\.[0-9]+Z$/, 'Z'),
    region: scope.region,
    resources: [jobArn(scope, appId, branchName, jobNumber)],
    detail: { appId, branchName, jobId: String(jobNumber), jobStatus },
  }
}
