import { markVariable } from './job-mark.ts'

/** What commands can count on, below what the job sets itself. The mark is above it. */
export function completeEnvironment(
  given: Record<string, string>,
  places: { home: string; temporary: string; path: string; user: string },
  mark: string,
): Record<string, string> {
  // `npm install -g` writes here: the installation that builds share is read-only.
  const npmPrefix = `${places.home}/.npm-global`
  return {
    HOME: places.home,
    LANG: 'C.UTF-8',
    LOGNAME: places.user,
    PATH: `${npmPrefix}/bin:${places.path}`,
    SHELL: '/bin/bash',
    TMPDIR: places.temporary,
    USER: places.user,
    npm_config_prefix: npmPrefix,
    ...given,
    [markVariable]: mark,
  }
}
