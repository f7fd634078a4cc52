import { existsSync } from 'node:fs'

import type { Command } from 'commander'

import { openDiskBlobs } from '../blobs/disk.ts'
import type { Config } from '../config.ts'
import { databaseUrl } from '../configured-database.ts'
import {
  type DataDirectory,
  isDataDirectoryHeld,
  lockDataDirectory,
  readMasterKey,
} from '../data-directory.ts'
import { damagedDatabase } from '../deploy/check-rows.ts'
import { diagnose, type Diagnosis, type Patient, repair } from '../deploy/doctor.ts'
import type { Finding } from '../deploy/finding.ts'
import { openDatabase } from '../store/database.ts'
import { isDamagedDatabase } from '../store/integrity.ts'
import { SecretBox } from '../store/secret-box.ts'
import { formatBytes, plural } from './quantities.ts'
import { addSettings, configOf } from './settings-options.ts'
import { existingDirectory } from './stored-state.ts'

/** How long a trouble must last beside a running server, which is always moving something. */
const patienceMilliseconds = 5000

/** `preamp doctor`: looks at all that is stored, beside a running server or without one; 1 when something is wrong. */
export function register(program: Command): void {
  const command = addSettings(program.command('doctor'), ['dataDir', 'masterKeyFile'])
  command
    .description('Check that everything stored is whole, and say what to do where it is not.')
    .option('--repair', 'mend what can be mended; the server must be stopped')
    .action(({ repair: mend }: { repair?: true }) => doctor(configOf(command), mend === true))
}

async function doctor(config: Config, mend: boolean): Promise<void> {
  const directory = existingDirectory(config)
  const free = mend ? lockDataDirectory(directory.path) : undefined
  try {
    const diagnosis = await examine(config, directory, mend)
    report(diagnosis, directory)
    process.exitCode = diagnosis.findings.length === 0 ? 0 : 1
  } finally {
    free?.()
  }
}

async function examine(config: Config, directory: DataDirectory, mend: boolean): Promise<Diagnosis> {
  const mode = { readonly: !mend }
  const isServed = !mend && isDataDirectoryHeld(directory.path)
  const secrets = secretsOf(config, directory)
  const blobs = await openDiskBlobs(directory.blobs, mode)
  try {
    const database = await openDatabase(databaseUrl(config, directory), mode)
    try {
      const patient: Patient = { database, blobs, secrets, workRoot: directory.work, isServed, now: Date.now }
      return mend
        ? await mendAll(patient)
        : await diagnose(patient, { patienceMilliseconds: isServed ? patienceMilliseconds : 0 })
    } finally {
      await database.close()
    }
  } catch (error) {
    // So damaged that it cannot be opened or read any further.
    if (!isDamagedDatabase(error)) throw error
    return { findings: [damagedDatabase(error.message)], settledAtStart: [], counts: undefined }
  }
}

function secretsOf(config: Config, directory: DataDirectory): SecretBox | undefined {
  const file = config.masterKeyFile ?? directory.masterKey
  // Reading would make a new one, and so hide that the right one is gone.
  return existsSync(file) ? new SecretBox(readMasterKey(file)) : undefined
}

async function mendAll(patient: Patient): Promise<Diagnosis> {
  // Nothing moves while the directory is held.
  const first = await diagnose(patient, { patienceMilliseconds: 0 })
  const repaired = await repair(first.findings)
  for (const { problem, done } of repaired) console.log(`${problem}\n  ${done}\n`)
  return repaired.length === 0 ? first : diagnose(patient, { patienceMilliseconds: 0 })
}

function report({ findings, settledAtStart, counts }: Diagnosis, directory: DataDirectory): void {
  if (counts) {
    const { deployments, stored, unreferenced } = counts
    console.log(
      `${directory.path}: ${plural(deployments, 'deployment')}, ${plural(stored.blobs, 'object')} of ${formatBytes(stored.bytes)}.`,
    )
    if (unreferenced.blobs > 0) {
      console.log(
        `Nothing refers to ${plural(unreferenced.blobs, 'object')} of ${formatBytes(unreferenced.bytes)}; the server frees them in time.`,
      )
    }
  }
  if (settledAtStart.length > 0) {
    console.log(
      `The next start of the server settles:\n${settledAtStart.map((one) => `  ${one.problem}`).join('\n')}`,
    )
  }
  if (findings.length === 0) return console.log('Nothing is wrong.')
  console.log(`${plural(findings.length, 'problem')}:\n\n${findings.map(lines).join('\n\n')}`)
}

function lines({ problem, advice }: Finding): string {
  return `${problem}\n  → ${advice}`
}
