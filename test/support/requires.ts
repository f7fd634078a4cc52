import { appendFileSync } from 'node:fs'

import { findProgram, type Program } from './programs.ts'

export { findProgram } from './programs.ts'

/**
 * Whether the programs that a suite needs are there: `describe.if(requires('bwrap'))(…)`. Where one is missing the suite
 * is skipped and `npm test` names it at the end. With CI=true nothing is skipped, so that the suite fails instead, but for
 * what `npm test` found that apt cannot provide on this system.
 */
export function requires(...needed: Program[]): boolean {
  const unavailable = (process.env['PREAMP_TEST_UNAVAILABLE'] ?? '').split(',')
  const missing = needed.filter((program) => findProgram(program) === undefined)
  const mayBeMissing =
    process.env['CI'] !== 'true' || missing.some((program) => unavailable.includes(program))
  if (missing.length === 0 || !mayBeMissing) return true
  reportSkipped(missing.join(', '))
  return false
}

/** Whether the npm registry answers. Suites that install packages from it need it. */
export async function requiresRegistry(): Promise<boolean> {
  if (process.env['CI'] === 'true') return true
  const { exitCode } = Bun.spawnSync(['npm', 'ping', '--fetch-timeout=5000', '--fetch-retries=0'], {
    stdout: 'ignore',
    stderr: 'ignore',
  })
  if (exitCode === 0) return true
  reportSkipped('the npm registry')
  return false
}

/** Names a suite that is skipped, at the end of `npm test`. */
export function reportSkipped(reason: string): void {
  const line = `${callerFile()}: skipped for want of ${reason}`
  const report = process.env['PREAMP_TEST_SKIPPED_FILE']
  if (report) appendFileSync(report, `${line}\n`)
  else console.log(line)
}

/** The test file that asked, from the stack: the first frame outside this folder's files. */
function callerFile(): string {
  const files = (new Error().stack ?? '').match(/[^\s(]+\.test\.ts/g) ?? []
  const root = new URL('../../', import.meta.url).pathname
  return files[0]?.replace(root, '') ?? 'a suite'
}
