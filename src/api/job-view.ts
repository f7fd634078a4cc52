import type { Job, JobSummary, Step } from '@aws-sdk/client-amplify'

import { jobArn } from '../model/arn.ts'
import { type StepName, stepNames } from '../model/jobs.ts'
import type { JobRow, StepRow } from '../store/schema.ts'
import type { OperationContext } from './context.ts'
import { transferUrl } from './job-urls.ts'
import type { OwnedJob } from './look-up.ts'
import { type TestResults, viewTestResults } from './test-view.ts'

/**
 * A job as lists and calls answer it (contract/api-behaviour.md §5). What the model calls required is always there: a
 * job that has not started, or has no commit, answers the time of its creation and empty texts.
 */
export function viewJobSummary({ app, branch, job }: OwnedJob): JobSummary {
  const isManual = job.type === 'MANUAL'
  return {
    jobArn: jobArn(app, app.appId, branch.name, job.number),
    jobId: String(job.number),
    // Until it is checked out, a repository job's commit is the head of its branch.
    commitId: job.commitId ?? (isManual ? '' : 'HEAD'),
    commitMessage: job.commitMessage ?? '',
    commitTime: new Date(job.commitTime ?? job.createdAt),
    startTime: new Date(job.startedAt ?? job.createdAt),
    status: job.status,
    endTime: job.endedAt === null ? undefined : new Date(job.endedAt),
    jobType: job.type,
    sourceUrl: job.sourceUrl ?? undefined,
    sourceUrlType: job.sourceUrlType ?? undefined,
  }
}

/** A job with its steps; the URLs in them are signed anew on each call. */
export function viewJob(
  context: OperationContext,
  owned: OwnedJob,
  rows: StepRow[],
  left: { hasOutput: boolean; tests: TestResults | undefined },
): Job {
  const steps = rows.map((row) => ({
    ...viewStep(context, owned, row, left.hasOutput),
    ...(row.name === 'TEST' && left.tests ? viewTestResults(context, owned, left.tests) : {}),
  }))
  return { summary: viewJobSummary(owned), steps: withReason(owned.job, steps) }
}

function viewStep(context: OperationContext, owned: OwnedJob, row: StepRow, hasOutput: boolean): Step {
  const { jobKey } = owned.job
  const step = row.name
  return {
    stepName: step,
    startTime: new Date(row.startedAt),
    status: row.status,
    // Required by the model. A step at work has not ended before this answer.
    endTime: new Date(row.endedAt ?? Math.max(context.services.now(), row.startedAt)),
    logUrl:
      row.logSha !== null || row.endedAt === null
        ? transferUrl(context, owned, `${step}/log.txt`, { kind: 'log', jobKey, step })
        : undefined,
    artifactsUrl:
      step === 'BUILD' && hasOutput
        ? transferUrl(context, owned, `${step}/artifacts.zip`, { kind: 'build-output', jobKey })
        : undefined,
    statusReason: row.statusReason ?? undefined,
    context: row.context ?? undefined,
  }
}

/**
 * A summary has no member for the reason of a failure. Where no step bears it, because the job failed before or between
 * steps, the step that did not come about does.
 */
function withReason(job: JobRow, steps: Step[]): Step[] {
  const { statusReason } = job
  if (statusReason === null || steps.some((step) => step.statusReason)) return steps
  const open = steps.findIndex((step) => step.status === job.status)
  if (open >= 0) return steps.with(open, { ...steps[open]!, statusReason })
  const names: StepName[] = job.type === 'MANUAL' ? ['DEPLOY', 'VERIFY'] : ['BUILD', 'DEPLOY', 'VERIFY']
  const missing = names.find((name) => !steps.some((step) => step.stepName === name)) ?? stepNames.at(-1)!
  const time = new Date(job.endedAt ?? job.createdAt)
  return [...steps, { stepName: missing, startTime: time, status: job.status, endTime: time, statusReason }]
}
