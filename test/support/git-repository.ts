import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** A real repository in the temporary folder. */
export interface TestRepository {
  folder: string
  /** Its `file://` address. */
  url: string
  /** Writes the files, commits them on the branch that is checked out, and gives the commit's id. */
  commit(files: Record<string, string>, message?: string): string
  /** Runs any Git command in it and gives what it printed, trimmed. */
  git(...args: string[]): string
  remove(): void
}

const identity = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.test',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.test',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
}

/** Makes a repository whose branch is `main`, with the files in a first commit. */
export async function createGitRepository(
  files: Record<string, string>,
  name?: string,
): Promise<TestRepository> {
  const parent = mkdtempSync(join(tmpdir(), 'preamp-repository-'))
  const folder = name === undefined ? parent : join(parent, name)
  mkdirSync(folder, { recursive: true })
  const git = (...args: string[]) => {
    const result = Bun.spawnSync(['git', ...args], { cwd: folder, env: { ...process.env, ...identity } })
    if (result.exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr.toString()}`)
    return result.stdout.toString().trim()
  }
  git('init', '--quiet', '--initial-branch=main')
  const repository: TestRepository = {
    folder,
    url: `file://${folder}`,
    commit(changed, message = 'Change the site') {
      for (const [path, content] of Object.entries(changed)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), content)
      }
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', '--message', message)
      return git('rev-parse', 'HEAD')
    },
    git,
    remove: () => rmSync(parent, { recursive: true, force: true }),
  }
  repository.commit(files, 'Begin the site')
  return repository
}

/** A repository that holds one of the sites of `test/fixtures/sites`. */
export function createSiteRepository(site: string): Promise<TestRepository> {
  return createFixtureRepository(join('sites', site))
}

/** A repository that holds a folder of `test/fixtures`. */
export async function createFixtureRepository(folder: string): Promise<TestRepository> {
  const name = basename(folder)
  const repository = await createGitRepository({}, name)
  cpSync(join(import.meta.dir, '../fixtures', folder), repository.folder, { recursive: true })
  repository.commit({}, `Add ${name}`)
  return repository
}

/** For checkouts of whatever a test has made. */
export const anyRepository = {
  allowed: true,
  dataFolder: '/nonexistent',
  examplesFolder: '/nonexistent/examples',
}
