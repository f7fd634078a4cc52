import { customerError } from '../build-failed.ts'

/**
 * A path of a build spec as one below the root: `/`, `./` and `.` are the root itself, which is the empty path.
 * @throws {import('../build-failed.ts').BuildFailed} for one that leads out
 */
export function repositoryPath(path: string, member: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || path.includes('\0')) {
    throw customerError(`Unable to parse build spec: ${member} leads out of the repository: ${path}`)
  }
  return parts.join('/')
}
