import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { UsageError } from '../usage-error.ts'

/** Beside the folder of the program, be that `src/` or the bundle. */
const examples = fileURLToPath(new URL('../examples/', pathToFileURL(Bun.main)))

/**
 * Makes a Git repository from an example, or brings the one that is there up to date with a commit of its own.
 * @param dataDirectory where the repository is kept, under `examples/`
 * @returns its `file://` URL
 */
export async function makeExampleRepository(dataDirectory: string, example: string): Promise<string> {
  const folder = join(dataDirectory, 'examples', example)
  mkdirSync(folder, { recursive: true })
  if (!existsSync(join(folder, '.git'))) await git(folder, 'init', '--quiet', '--initial-branch=main')
  for (const name of readdirSync(folder)) if (name !== '.git') rmSync(join(folder, name), { recursive: true })
  cpSync(join(examples, example), folder, { recursive: true })
  await git(folder, 'add', '--all', '--force')
  if ((await git(folder, 'status', '--porcelain')) !== '') {
    await git(folder, 'commit', '--quiet', '--message', `The ${example} example`)
  }
  return pathToFileURL(folder).href
}

/** Runs git as nobody in particular: the user's name, hooks, signing keys and templates play no part. */
async function git(folder: string, ...parameters: string[]): Promise<string> {
  if (!Bun.which('git')) throw new UsageError('Git is not installed; the demo and every build need it.')
  const child = Bun.spawn(
    ['git', '-c', 'core.hooksPath=/dev/null', '-c', 'init.templateDir=', ...parameters],
    {
      cwd: folder,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_SYSTEM: '/dev/null',
        GIT_AUTHOR_NAME: 'Preamp',
        GIT_AUTHOR_EMAIL: 'preamp@localhost',
        GIT_COMMITTER_NAME: 'Preamp',
        GIT_COMMITTER_EMAIL: 'preamp@localhost',
      },
    },
  )
  const [output, errors, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  if (exitCode !== 0) throw new Error(`git ${parameters[0]} ended with ${exitCode}: ${errors}`)
  return output
}
