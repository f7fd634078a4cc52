import { createGitRepository, type TestRepository } from './git-repository.ts'
import type { JobRuns } from './job-runs.ts'
import { waitFor } from './wait-for.ts'

export interface CommandBuild {
  status: string
  reason: string | null
  /** The log of BUILD, without times and levels. */
  log: string
}

export interface CommandBuilds {
  /** Starts the job of a repository of its own, with these commands, files and variables of the app. */
  startWith(
    runs: JobRuns,
    commands: string[],
    files?: Record<string, string>,
    environmentVariables?: Record<string, string>,
  ): Promise<string>
  /** The same, to its end. */
  buildWith(...job: Parameters<CommandBuilds['startWith']>): Promise<CommandBuild>
  removeRepositories(): void
}

const buildSecondsMax = 180

export function commandBuilds(): CommandBuilds {
  const repositories: TestRepository[] = []
  const builds: CommandBuilds = {
    async startWith(runs, commands, files = {}, environmentVariables = {}) {
      const phases = { build: { commands: [...commands, 'mkdir -p out && echo done > out/index.html'] } }
      const spec = { version: 1, frontend: { phases, artifacts: { baseDirectory: 'out' } } }
      const repository = await createGitRepository({ 'amplify.yml': JSON.stringify(spec), ...files })
      repositories.push(repository)
      return runs.start(await runs.addApp({ repository: repository.url, environmentVariables }))
    },
    async buildWith(runs, ...job) {
      const jobKey = await builds.startWith(runs, ...job)
      const { status, statusReason } = await waitFor('the build to end', buildSecondsMax, async () => {
        const row = await runs.job(jobKey)
        return row && row.endedAt !== null && row
      })
      const log = (await runs.log(jobKey, 'BUILD')).replace(/^\S+ \[[A-Z]+\]: /gm, '').replace(/^ +/gm, '')
      return { status, reason: statusReason, log }
    },
    removeRepositories() {
      for (const repository of repositories) repository.remove()
    },
  }
  return builds
}
