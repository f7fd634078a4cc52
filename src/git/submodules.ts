import { lstatSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { limits } from '../model/limits.ts'
import { type GitAccess, gitEnvironment } from './git-environment.ts'
import { type Repository, RepositoryRefused, shownRepository, submoduleRepository } from './repository.ts'
import { GitFailed, runGit } from './run-git.ts'

export interface SubmoduleOptions extends GitAccess {
  signal: AbortSignal
  onProgress?(line: string): void
}

/**
 * Fetches the submodules of a clone, and theirs. It does not leave this to `git submodule update`, which would talk to
 * whatever address a repository names: every one is parsed and checked like the app's own. Local repositories are never
 * submodules, as the app's owner did not name them.
 * @throws {GitFailed}, {@link RepositoryRefused}, or an OutboundError
 */
export async function checkOutSubmodules(
  repository: Repository,
  options: SubmoduleOptions,
  folder: string,
): Promise<void> {
  options.onProgress?.(`# Checking for Git submodules at: ${basename(folder)}/.gitmodules`)
  await descend(repository, options, folder, { depth: 0, fetched: { count: 0 } })
}

async function descend(
  parent: Repository,
  options: SubmoduleOptions,
  folder: string,
  progress: { depth: number; fetched: { count: number } },
): Promise<void> {
  for (const { path, url, commitId } of await listSubmodules(parent, options, folder)) {
    if (++progress.fetched.count > limits.submodulesMax || progress.depth >= limits.submoduleDepthMax) {
      throw tooMany()
    }
    const repository = submoduleRepository(parent, url)
    if (repository.kind === 'file') {
      throw new RepositoryRefused(
        `The submodule ${JSON.stringify(path)} is a local repository (${shownRepository(repository)}), which is never cloned. Give it an https or ssh address.`,
      )
    }
    options.onProgress?.(`Cloning submodule ${path} from ${shownRepository(repository)}`)
    const access = isSameOrigin(parent, repository) ? options : { ...options, token: undefined }
    const submoduleFolder = await requireRealFolder(folder, path)
    await fetchCommit(repository, commitId, access, submoduleFolder)
    await descend(repository, access, submoduleFolder, { ...progress, depth: progress.depth + 1 })
  }
}

interface Submodule {
  path: string
  url: string
  commitId: string
}

/** What `.gitmodules` of the checked-out commit lists and the commit's tree holds as submodules. */
async function listSubmodules(
  repository: Repository,
  options: SubmoduleOptions,
  folder: string,
): Promise<Submodule[]> {
  if (!lstatSync(join(folder, '.gitmodules'), { throwIfNoEntry: false })?.isFile()) return []
  const git = { environment: await gitEnvironment(repository, options), cwd: folder, signal: options.signal }
  const paths = new Map<string, string>()
  const urls = new Map<string, string>()
  for (const [key, value] of await readConfiguration(git)) {
    const [, name, member] = /^submodule\.(.+)\.(path|url)$/s.exec(key) ?? []
    if (name !== undefined) (member === 'path' ? paths : urls).set(name, value)
  }
  if (paths.size === 0) return []
  if (paths.size > limits.submodulesMax) throw tooMany()
  const tree = await runGit(['ls-tree', '-z', 'HEAD', '--', ...paths.values()], git)
  const commits = new Map<string, string>()
  for (const entry of tree.toString('utf8').split('\0')) {
    const [, commitId, path] = /^160000 commit ([0-9a-f]+)\t(.+)$/s.exec(entry) ?? []
    if (commitId !== undefined && path !== undefined) commits.set(path, commitId)
  }
  return [...paths].flatMap(([name, path]) => {
    const url = urls.get(name)
    const commitId = commits.get(path)
    return url === undefined || commitId === undefined ? [] : [{ path, url, commitId }]
  })
}

async function readConfiguration(git: Parameters<typeof runGit>[1]): Promise<[key: string, value: string][]> {
  const list = await runGit(['config', '--blob=HEAD:.gitmodules', '--null', '--list'], git)
  return list
    .toString('utf8')
    .split('\0')
    .filter((entry) => entry.includes('\n'))
    .map((entry) => {
      const end = entry.indexOf('\n')
      return [entry.slice(0, end), entry.slice(end + 1)]
    })
}

/**
 * The folder that Git made for a submodule. A forged tree may hold one name twice, as a link and as the folder that leads
 * to the submodule: Git lists the submodule and checks out the link, by which ours would be written anywhere.
 */
async function requireRealFolder(clone: string, path: string): Promise<string> {
  const folder = join(await realpath(clone), path)
  const real = await realpath(folder).catch(() => undefined)
  if (real === folder) return folder
  throw new RepositoryRefused(
    `The submodule ${JSON.stringify(path)} has no folder of its own in the checkout.`,
  )
}

/** Makes the empty folder of a submodule a clone of one commit. */
async function fetchCommit(
  repository: Repository,
  commitId: string,
  options: SubmoduleOptions,
  folder: string,
): Promise<void> {
  const git = { environment: await gitEnvironment(repository, options), cwd: folder, signal: options.signal }
  const url = shownRepository(repository)
  await runGit(['init', '--quiet'], git)
  try {
    await runGit(['fetch', '--quiet', '--depth=1', '--no-tags', '--', url, commitId], git)
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error
    // A host that hands out no commit by its id: some branch has it.
    await runGit(['fetch', '--quiet', '--no-tags', '--', url, '+refs/heads/*:refs/remotes/origin/*'], git)
  }
  await runGit(['checkout', '--quiet', '--detach', commitId], git)
}

function isSameOrigin(parent: Repository, child: Repository): boolean {
  return parent.kind === 'http' && child.kind === 'http' && parent.url.origin === child.url.origin
}

function tooMany(): RepositoryRefused {
  return new RepositoryRefused(
    `The repository has more than ${limits.submodulesMax} submodules, or has them more than ${limits.submoduleDepthMax} levels deep.`,
  )
}
