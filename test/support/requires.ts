import { existsSync } from 'node:fs'

/** Where Debian keeps programs that are not on everybody's PATH. */
const otherFolders = ['/usr/sbin', '/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/17/bin']

/**
 * Whether the programs that a suite needs are there: `describe.if(requires('bwrap'))(…)`. Where one is missing the suite
 * is skipped and `scripts/test.ts` names it at the end; with CI=true nothing is skipped, so that the suite fails instead.
 */
export function requires(...programs: string[]): boolean {
  const missing = programs.filter((program) => findProgram(program) === undefined)
  if (missing.length === 0 || process.env['CI'] === 'true') return true
  console.log(`skipped for want of: ${missing.join(', ')}`)
  return false
}

/** Path of a program, or undefined. */
export function findProgram(program: string): string | undefined {
  const onPath = Bun.which(program)
  if (onPath) return onPath
  return otherFolders.map((folder) => `${folder}/${program}`).find((path) => existsSync(path))
}
