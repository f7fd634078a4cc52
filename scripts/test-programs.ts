import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

import { findProgram, type Program, programs } from '../test/support/programs.ts'

/**
 * Sees to the programs that tests need: installs what is missing as root on Debian or Ubuntu, elsewhere prints the one
 * line to run.
 * @returns programs that are missing and that apt does not know on this system
 */
export async function prepareTestPrograms(): Promise<Program[]> {
  const missing = missingPrograms()
  if (missing.length === 0) return []
  const packages = [...new Set(missing.map((program) => programs[program]))]
  if (process.getuid?.() !== 0 || !isDebianFamily()) {
    console.log(
      `Tests that need ${missing.join(', ')} will be skipped. To run them too, on Debian or Ubuntu:`,
    )
    console.log(`  sudo apt-get install --no-install-recommends ${packages.join(' ')}\n`)
    return process.platform === 'linux' && isDebianFamily() ? [] : missing
  }
  run(['apt-get', 'update', '-q'])
  const known = packages.filter(isInstallable)
  if (known.length > 0) withoutStartingServices(() => run([...install, ...known]))
  const unavailable = missingPrograms().filter((program) => !known.includes(programs[program]))
  if (unavailable.length > 0) console.log(`apt knows no package for: ${unavailable.join(', ')}`)
  return unavailable
}

const install = ['apt-get', 'install', '-q', '--yes', '--no-install-recommends']

function missingPrograms(): Program[] {
  return (Object.keys(programs) as Program[]).filter((program) => findProgram(program) === undefined)
}

function isDebianFamily(): boolean {
  const file = '/etc/os-release'
  return (
    existsSync(file) &&
    /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync(file, 'utf8').replaceAll('"', ''))
  )
}

function isInstallable(name: string): boolean {
  const { stdout } = Bun.spawnSync(['apt-cache', 'policy', name], { stderr: 'ignore' })
  return /Candidate: (?!\(none\))/.test(stdout.toString())
}

/** Debian starts a service when its package is installed unless this file says no. Tests start what they need themselves. */
function withoutStartingServices(work: () => void): void {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return work()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    work()
  } finally {
    rmSync(policy, { force: true })
  }
}

function run(command: string[]): void {
  const { exitCode } = Bun.spawnSync(command, {
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  // A package that could not be had shows itself below: its suites fail with CI=true and are named otherwise.
  if (exitCode !== 0) console.error(`${command.join(' ')} ended with ${exitCode}`)
}
