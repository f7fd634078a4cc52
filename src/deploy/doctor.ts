import type { Blobs } from '../blobs/blobs.ts'
import type { Database } from '../store/database.ts'
import type { SecretBox } from '../store/secret-box.ts'
import { type BlobsCheck, checkBlobs } from './check-blobs.ts'
import {
  checkDatabase,
  checkPointers,
  checkRunningJobs,
  checkSecrets,
  checkSteps,
  checkWorkFolders,
} from './check-rows.ts'
import type { Finding } from './finding.ts'

export interface Patient {
  database: Database
  blobs: Blobs
  /** Undefined when there is no master key. */
  secrets: SecretBox | undefined
  workRoot: string
  /** Whether a server is at work on the same data. */
  isServed: boolean
  /** Epoch milliseconds. */
  now(): number
}

export interface Diagnosis {
  findings: Finding[]
  /** What a server that was killed, or backed up, left in the middle: its next start settles it, so it is no trouble. */
  settledAtStart: Finding[]
  /** Undefined when the database is damaged and nothing else was looked at. */
  counts: Omit<BlobsCheck, 'findings'> | undefined
}

const lookAgainMilliseconds = 500

/**
 * Looks at everything that is stored: the database's file, pointers, jobs and steps, secrets, work folders, and the bytes
 * of every blob. Changes nothing.
 * @param options.patienceMilliseconds how long a trouble must last to be reported. A running server moves things while
 * they are looked at (a deployment is deleted, a build ends), so that what is seen once may be no trouble at all.
 */
export async function diagnose(
  patient: Patient,
  options: { patienceMilliseconds: number },
): Promise<Diagnosis> {
  const sound = new Set<string>()
  const until = performance.now() + options.patienceMilliseconds
  let diagnosis = await look(patient, sound)
  while (diagnosis.findings.length > 0 && performance.now() < until) {
    await Bun.sleep(Math.min(lookAgainMilliseconds, options.patienceMilliseconds))
    const seenBefore = new Set(diagnosis.findings.map((finding) => finding.id))
    const again = await look(patient, sound)
    diagnosis = { ...again, findings: again.findings.filter((finding) => seenBefore.has(finding.id)) }
  }
  return diagnosis
}

async function look(patient: Patient, sound: Set<string>): Promise<Diagnosis> {
  const { database, blobs, secrets, workRoot, isServed, now } = patient
  const damaged = await checkDatabase(database)
  if (damaged.length > 0) return { findings: damaged, settledAtStart: [], counts: undefined }
  const ofWork = [
    ...(await checkRunningJobs(database, now())),
    ...(await checkWorkFolders(database, workRoot, now())),
  ]
  const { findings, ...counts } = await checkBlobs(database, blobs, sound)
  return {
    findings: [
      ...(await checkPointers(database)),
      ...(await checkSteps(database)),
      ...(await checkSecrets(database, secrets)),
      ...(isServed ? ofWork : []),
      ...findings,
    ],
    settledAtStart: isServed ? [] : ofWork,
    counts,
  }
}

export interface Repaired {
  problem: string
  done: string
}

/** Mends what can be mended, one finding after the other. No server may be at work on the same data. */
export async function repair(findings: Finding[]): Promise<Repaired[]> {
  const repaired: Repaired[] = []
  for (const finding of findings) {
    if (finding.repair) repaired.push({ problem: finding.problem, done: await finding.repair() })
  }
  return repaired
}
