import { RefusedContent } from './refused-content.ts'

/**
 * A path of a build spec as one below the root: `/`, `./` and `.` are the root itself, which is the empty path.
 * @throws {RefusedContent} for one that leads out
 */
export function repositoryPath(path: string, member: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || path.includes('\0')) {
    throw new RefusedContent(`Unable to parse build spec: ${member} leads out of the repository: ${path}`)
  }
  return parts.join('/')
}
