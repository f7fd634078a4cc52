import type { DeploymentEvent } from '../model/deployment-event.ts'

/** What a person is told of an event. */
export interface Message {
  subject: string
  text: string
}

/** What the event does not say and a person wants to know. */
export interface EventContext {
  appName: string
  /** Undefined for a branch that is gone, or never was. */
  siteUrl: string | undefined
  /** Why the job failed. */
  reason: string | null
}

/** In Amplify's form (contract/hosting-behaviour.md §8.4), with the host that really serves the branch. */
export function messageOf({ detail }: DeploymentEvent, context: EventContext): Message {
  const { appId, branchName, jobId, jobStatus } = detail
  if (jobId === '0') {
    return {
      subject: `Test notification for ${context.appName}`,
      text: `This is a test notification for app ${context.appName} (${appId}). Notifications of its jobs arrive here.`,
    }
  }
  const site = context.siteUrl === undefined ? `${context.appName} (${appId})` : `${context.siteUrl}/`
  const lines = [
    `Build notification for app: ${site}. Your build status is ${jobStatus}.`,
    ...(context.reason === null ? [] : [context.reason]),
    `Job ${jobId} of the branch ${branchName}. Its log: preamp logs ${appId} ${branchName} ${jobId}`,
  ]
  return { subject: `${context.appName}, ${branchName}: job ${jobId} ${jobStatus}`, text: lines.join('\n') }
}
