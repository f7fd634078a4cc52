import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../model/error-code.ts'
import { runningStatuses } from '../model/jobs.ts'
import type { Database } from '../store/database.ts'
import {
  checkDatabaseFile,
  clearPointer,
  listJobsWithoutWorker,
  listOpenStepsOfFinishedJobs,
  listSealedSecrets,
  listStalePointers,
} from '../store/integrity.ts'
import { findJobByKey } from '../store/jobs.ts'
import type { SecretBox } from '../store/secret-box.ts'
import { changeStep } from '../store/steps.ts'
import { type Finding, nameOf } from './finding.ts'

/** Whether the database's own file is whole. Where it is not, no other check means anything. */
export async function checkDatabase(database: Database): Promise<Finding[]> {
  return (await checkDatabaseFile(database)).map(damagedDatabase)
}

export function damagedDatabase(text: string): Finding {
  return {
    id: `database ${text}`,
    problem: `The database is damaged: ${text}.`,
    advice:
      'Stop the server, and restore your newest backup into a new data directory with `preamp restore`.',
  }
}

export async function checkPointers({ queries }: Database): Promise<Finding[]> {
  return (await listStalePointers(queries)).map((branch) => ({
    id: `pointer ${branch.branchId} ${branch.activeDeploymentId}`,
    problem: `${nameOf(branch)}: its live deployment ${branch.activeDeploymentId} does not exist. Visitors see nothing.`,
    advice: 'Deploy the branch again.',
    repair: async () =>
      (await clearPointer(queries, branch))
        ? 'The branch no longer claims to have a live deployment. Deploy it again.'
        : 'The branch has another live deployment by now.',
  }))
}

/** @param now epoch milliseconds */
export async function checkRunningJobs({ queries }: Database, now: number): Promise<Finding[]> {
  return (await listJobsWithoutWorker(queries, now)).map((job) => ({
    id: `running ${job.jobKey}`,
    problem: `${nameOf(job)} is ${job.status}, but no worker is at it.`,
    advice: 'See the log of the server. Its next start decides what becomes of the job.',
  }))
}

export async function checkSteps({ queries }: Database): Promise<Finding[]> {
  return (await listOpenStepsOfFinishedJobs(queries)).map((row) => ({
    id: `step ${row.jobKey} ${row.step}`,
    problem: `${nameOf(row)} is ${row.status}, but its step ${row.step} has no end.`,
    advice: 'Stop the server and run `preamp doctor --repair`: it ends the step as its job ended.',
    repair: async () => {
      const end = { status: row.status, endedAt: row.jobEndedAt ?? Date.now() }
      await changeStep(queries, row.jobKey, row.step, end)
      return `The step is ${row.status} now.`
    },
  }))
}

/**
 * Whether the master key is the one with which the stored secrets were encrypted.
 * @param secrets undefined when there is no master key
 */
export async function checkSecrets(
  { queries }: Database,
  secrets: SecretBox | undefined,
): Promise<Finding[]> {
  const closed = (await listSealedSecrets(queries)).filter(
    ({ sealed }) => secrets === undefined || !opens(secrets, sealed),
  )
  if (closed.length === 0) return []
  const [first] = closed
  const others = closed.length === 1 ? '' : ` and ${closed.length - 1} more`
  return [
    {
      id: 'secrets',
      problem: secrets
        ? `The master key does not open the stored secrets of ${first!.owner}${others}.`
        : `The master key is gone. Without it nobody can read the stored secrets of ${first!.owner}${others}.`,
      advice:
        'Put the master key with which they were stored back (file `master.key` of a backup), or set these secrets anew.',
    },
  ]
}

function opens(secrets: SecretBox, sealed: string): boolean {
  try {
    secrets.open(sealed)
    return true
  } catch {
    // The cipher's own error says no more than that it does not open.
    return false
  }
}

/** A worker is at its folder for some time after its job has ended. */
const removalSecondsMax = 60

/**
 * Folders of builds that nobody works in.
 * @param now epoch milliseconds
 */
export async function checkWorkFolders(
  { queries }: Database,
  workRoot: string,
  now: number,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const jobKey of await foldersIn(workRoot)) {
    const job = await findJobByKey(queries, jobKey)
    if (job && (runningStatuses as readonly string[]).includes(job.status)) continue
    const path = join(workRoot, jobKey)
    const changedAt = job?.endedAt ?? (await changeTime(path))
    if (changedAt === undefined || changedAt > now - removalSecondsMax * 1000) continue
    findings.push({
      id: `folder ${jobKey}`,
      problem: `${path} is left over from a build that has ended.`,
      advice:
        'Start the server again: at its start it ends what is left of builds and removes their folders.',
    })
  }
  return findings
}

async function foldersIn(workRoot: string): Promise<string[]> {
  const entries = (await absentAsUndefined(readdir(workRoot, { withFileTypes: true }))) ?? []
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

async function changeTime(path: string): Promise<number | undefined> {
  return (await absentAsUndefined(stat(path)))?.mtimeMs
}

async function absentAsUndefined<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
