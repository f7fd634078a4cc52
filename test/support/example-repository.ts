import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A Git repository in the temporary folder with the files of a folder in one commit on `main`. */
export interface TestRepository {
  folder: string
  url: string
  /** Writes a file and commits it; returns the commit. */
  commit(file: string, text: string, message: string): string
  remove(): void
}

export function repositoryFrom(source: string): TestRepository {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-repository-'))
  cpSync(source, folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
  git(folder, 'init', '--quiet', '--initial-branch=main')
  const commitAll = (message: string) => {
    git(folder, 'add', '--all')
    git(folder, 'commit', '--quiet', '--message', message)
    return git(folder, 'rev-parse', 'HEAD').trim()
  }
  commitAll('First')
  return {
    folder,
    url: pathToFileURL(folder).href,
    commit(file, text, message) {
      writeFileSync(join(folder, file), text)
      return commitAll(message)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function git(folder: string, ...parameters: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false']
  const { stdout, stderr, exitCode } = Bun.spawnSync(['git', ...identity, ...parameters], { cwd: folder })
  if (exitCode !== 0) throw new Error(`git ${parameters.join(' ')}: ${stderr}`)
  return stdout.toString()
}
