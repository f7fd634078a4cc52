import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'

import { fetchOutbound, OutboundError } from '../deploy/outbound.ts'
import { limits } from '../model/limits.ts'
import { type GitAccess, gitEnvironment, httpCredentials } from './git-environment.ts'
import { checkLocalRepository, type LocalRepositories } from './local-repositories.ts'
import type { Mirrors } from './mirrors.ts'
import {
  keepsCredentials,
  parseRepository,
  type Repository,
  RepositoryRefused,
  shownRepository,
} from './repository.ts'
import { GitFailed, type GitOptions, runGit } from './run-git.ts'
import { checkOutSubmodules } from './submodules.ts'

export interface CheckoutOptions extends GitAccess {
  /** As the app names it: https, ssh, `git@host:path`, or `file://` and an absolute path where allowed. */
  repository: string
  branch: string
  /** The commit to build; the newest of the branch where it is absent or `HEAD`. */
  commitId?: string | undefined
  /** Folder the clone shall be; its parent exists. */
  folder: string
  /** Which repositories may be named by `file://` or path. */
  localRepositories: LocalRepositories
  /** What is known of repositories already, and the account whose mirror of this one is used. */
  mirrors?: { of: Mirrors; account: string } | undefined
  signal: AbortSignal
  /** Called with the commit as soon as it is known, before submodules are fetched. */
  onCommit?(commit: Commit): void | Promise<void>
  onProgress?(line: string): void
}

export interface Commit {
  /** The full id, in hex. */
  id: string
  /** Whole message, cut at 10,000 characters (contract/amplify-api.json, CommitMessage). */
  message: string
  /** Committer's time in epoch milliseconds. */
  time: number
}

/** A checkout that failed by the user's doing or the Git host's. The message is for the user and holds no credentials. */
export class CheckoutFailed extends Error {}

const messageCharactersMax = 10_000

/**
 * Clones one branch with its whole history (`git describe` and generators that date pages need it), checks the commit
 * out, and the submodules with it. Afterwards no credentials are left in the clone.
 * @throws {CheckoutFailed}; the signal's reason when it was stopped
 */
export async function checkout(options: CheckoutOptions): Promise<Commit> {
  const deadline = AbortSignal.timeout(limits.checkoutSecondsMax * 1000)
  const signal = AbortSignal.any([options.signal, deadline])
  try {
    return await checkOut({ ...options, signal })
  } catch (error) {
    options.signal.throwIfAborted()
    throw describe(error, options, deadline.aborted)
  }
}

async function checkOut(options: CheckoutOptions): Promise<Commit> {
  const { branch, folder, signal } = options
  const commitId = wantedCommit(options.commitId)
  checkBranchName(branch)
  const repository = parseRepository(options.repository)
  if (repository.kind === 'file') await checkLocalRepository(repository.path, options.localRepositories)
  const { environment, head } = await clone(repository, options)
  const inClone = { environment, cwd: folder, signal }
  if (commitId !== undefined) {
    options.onProgress?.(`# Switching to commit: ${commitId}`)
    await switchTo(commitId, inClone)
  }
  const commit = head ?? (await readCommit(inClone))
  await options.onCommit?.(commit)
  await checkOutSubmodules(repository, options, folder)
  return commit
}

/**
 * Clones, following the redirects that Git itself is forbidden to follow, as it would not check where they lead.
 * @returns the environment for further commands in the clone, and its commit where that is known already
 */
async function clone(
  repository: Repository,
  options: CheckoutOptions,
): Promise<{ environment: Record<string, string>; head: Commit | undefined }> {
  const environment = await gitEnvironment(repository, options)
  try {
    return { environment, head: await cloneFrom(repository, environment, options) }
  } catch (error) {
    const redirected =
      error instanceof GitFailed && repository.kind === 'http' && /redirect|error: 30\d/i.test(error.stderr)
    if (!redirected) throw error
    const moved = await followRedirect(repository, options)
    const access = keepsCredentials(repository.url, moved.url) ? options : { ...options, token: undefined }
    const movedEnvironment = await gitEnvironment(moved, access)
    return { environment: movedEnvironment, head: await cloneFrom(moved, movedEnvironment, options) }
  }
}

/**
 * By the mirror where there is one. Where that fails, a plain clone finds out why: it fails in Git's own words for a user's
 * mistake, or shows that the mirror was at fault, which is then forgotten.
 * @returns the newest commit of the branch, where its files are written
 */
async function cloneFrom(
  repository: Repository,
  environment: Record<string, string>,
  options: CheckoutOptions,
): Promise<Commit | undefined> {
  const { mirrors, folder, signal } = options
  if (!mirrors) {
    await clonePlainly(repository, environment, options)
    return undefined
  }
  const mirror = { account: mirrors.account, repository }
  try {
    await mirrors.of.clone({ ...mirror, branch: options.branch, folder, environment, signal })
    if (wantedCommit(options.commitId) !== undefined) return undefined
    return await writeFiles({ environment, cwd: folder, signal })
  } catch {
    signal.throwIfAborted()
    await rm(folder, { recursive: true, force: true })
    await clonePlainly(repository, environment, options)
    await mirrors.of.forget(mirror)
    return undefined
  }
}

/** Reads the commit meanwhile, as each run of Git takes its time. */
async function writeFiles(git: GitOptions): Promise<Commit> {
  const [commit, written] = await Promise.allSettled([
    readCommit(git),
    runGit(['reset', '--quiet', '--hard'], git),
  ])
  if (written.status === 'rejected') throw written.reason
  if (commit.status === 'rejected') throw commit.reason
  return commit.value
}

async function clonePlainly(
  repository: Repository,
  environment: Record<string, string>,
  { folder, branch, commitId, signal }: CheckoutOptions,
): Promise<void> {
  const args = ['clone', '--quiet', '--no-progress', '--single-branch', `--branch=${branch}`]
  // A recorded commit is checked out by itself: the branch's newest files would be written for nothing.
  if (wantedCommit(commitId) !== undefined) args.push('--no-checkout')
  await runGit([...args, '--', shownRepository(repository), folder], {
    environment,
    cwd: dirname(folder),
    signal,
  })
}

const advertisement = '/info/refs'

async function followRedirect(
  repository: Repository & { kind: 'http' },
  options: CheckoutOptions,
): Promise<Repository & { kind: 'http' }> {
  const start = new URL(`${repository.url.href.replace(/\/+$/, '')}${advertisement}?service=git-upload-pack`)
  const credentials = httpCredentials(repository, options.token)
  start.username = encodeURIComponent(credentials?.user ?? '')
  start.password = encodeURIComponent(credentials?.password ?? '')
  const response = await fetchOutbound(start.href, {
    privateAllowed: options.privateAllowed,
    bytesMax: limits.outputBytesMax,
    signal: options.signal,
  })
  await response.body.return()
  const url = new URL(response.url)
  if (!url.pathname.endsWith(advertisement)) {
    throw new RepositoryRefused(`${repository.url.href} redirects to what is not a Git repository.`)
  }
  url.pathname = url.pathname.slice(0, -advertisement.length)
  url.search = ''
  url.username = ''
  url.password = ''
  return {
    kind: 'http',
    url,
    credentials: keepsCredentials(repository.url, url) ? repository.credentials : undefined,
  }
}

async function switchTo(commitId: string, git: GitOptions): Promise<void> {
  const args = ['checkout', '--quiet', '--detach', commitId]
  try {
    await runGit(args, git)
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error
    // The branch was moved away from the commit since: most hosts still hand it out by its full id.
    await runGit(['fetch', '--quiet', '--no-tags', 'origin', commitId], git)
    await runGit(args, git)
  }
}

async function readCommit(git: GitOptions): Promise<Commit> {
  const output = await runGit(['log', '-1', '--no-show-signature', '--format=%H%n%ct%n%B'], git)
  const [id = '', seconds = '', ...lines] = output.toString('utf8').split('\n')
  return { id, time: Number(seconds) * 1000, message: lines.join('\n').trim().slice(0, messageCharactersMax) }
}

function wantedCommit(commitId: string | undefined): string | undefined {
  if (commitId === undefined || commitId === 'HEAD') return undefined
  if (/^[0-9a-f]{4,64}$/i.test(commitId)) return commitId
  throw new RepositoryRefused(`${JSON.stringify(commitId.slice(0, 100))} is not the id of a commit.`)
}

/** git-check-ref-format(1): what a branch cannot be called, so that the name is never read as something else. */
function checkBranchName(branch: string): void {
  if (branch.startsWith('-') || /[\p{Cc} ~^:?*[\\]|\.\.|@\{/u.test(branch)) {
    throw new RepositoryRefused(`${JSON.stringify(branch.slice(0, 200))} is not the name of a Git branch.`)
  }
}

function describe(error: unknown, options: CheckoutOptions, late: boolean): unknown {
  if (late) {
    return new CheckoutFailed(
      `The checkout of branch ${options.branch} took longer than ${limits.checkoutSecondsMax} seconds.`,
    )
  }
  if (error instanceof RepositoryRefused || error instanceof OutboundError) {
    return new CheckoutFailed(error.message)
  }
  if (!(error instanceof GitFailed)) return error
  const where = `branch ${options.branch} of ${shownRepository(parseRepository(options.repository))}`
  return new CheckoutFailed(
    `Cannot check out ${where}: ${error.detail}${advice(error.stderr, options.token !== undefined)}`,
  )
}

function advice(stderr: string, hadToken: boolean): string {
  if (/could not read (Username|Password)|Authentication failed|error: 40[13]/i.test(stderr)) {
    return hadToken
      ? ' – the accessToken of the app was refused. Set another with UpdateApp.'
      : ' – set an accessToken on the app that may read the repository.'
  }
  if (/Permission denied \(publickey|Host key verification failed/i.test(stderr)) {
    return " – the SSH key of the server's user must be allowed to read the repository."
  }
  if (/out of memory/i.test(stderr)) {
    return ` – Git may use ${limits.gitMemoryBytesMax / 1024 ** 3} GiB. The repository holds too many names or too large files.`
  }
  return ''
}
