import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

import { limits } from '../model/limits.ts'
import { Turns } from '../model/turns.ts'
import { type Repository, shownRepository } from './repository.ts'
import { runGit } from './run-git.ts'
import { type ClonedRefs, writeGitFolder } from './write-git-folder.ts'

export interface MirrorOptions {
  /** Whose repository it is: accounts never share a mirror. */
  account: string
  repository: Repository
  branch: string
  /** Folder the clone shall be; its parent exists. */
  folder: string
  /** Of the Git commands that talk to the repository, with the caller's credentials. */
  environment: Record<string, string>
  signal: AbortSignal
}

/** What is known of repositories already, so that only what is new is fetched: a bare mirror for each repository and account. */
export interface Mirrors {
  /**
   * Makes a clone of one branch, as `git clone --single-branch --no-checkout` does. The repository is always asked first, with
   * the caller's credentials: whoever may not read it any more gets nothing of what is known of it.
   * @throws {import('./run-git.ts').GitFailed}, or another error where the mirror is damaged
   */
  clone(options: MirrorOptions): Promise<void>
  /** Forgets what is known of the repository. */
  forget(options: Pick<MirrorOptions, 'account' | 'repository'>): Promise<void>
  list(): Promise<{ name: string; bytes: number; usedAt: number }[]>
  drop(name: string): Promise<void>
}

export interface MirrorsOptions {
  /** Holds a folder for each mirror. */
  folder: string
  /** Of one mirror; a larger one is dropped when it was used. */
  bytesMax: number
}

export function openMirrors({ folder, bytesMax }: MirrorsOptions): Mirrors {
  const turns = new Turns()

  async function clone(name: string, options: MirrorOptions): Promise<void> {
    const mirror = join(folder, name)
    const git = { environment: options.environment, cwd: folder, signal: options.signal }
    await makeBare(mirror, git)
    const tip = tipName(options.branch)
    const how = ['--quiet', '--force', '--prune', '--no-tags', '--no-write-fetch-head']
    // Under a name of its own, as a branch `a` that is gone would keep `a/b` out.
    const what = [`+refs/heads/${options.branch}:${tip}`, '+refs/tags/*:refs/tags/*']
    const command = ['-c', 'fetch.unpackLimit=1', `--git-dir=${mirror}`, 'fetch', ...how]
    await runGit([...command, '--', shownRepository(options.repository), ...what], git)
    await joinPacks(mirror, git)
    const refs = await readRefs(mirror, tip, git)
    await writeGitFolder(join(options.folder, '.git'), {
      url: shownRepository(options.repository),
      branch: options.branch,
      refs,
    })
    await copyPacks(mirror, join(options.folder, '.git'), options.signal)
    await utimes(join(mirror, 'HEAD'), new Date(), new Date())
    if ((await bytesOf(mirror)) > bytesMax) await remove(mirror)
  }

  return {
    clone(options) {
      const name = nameOf(options)
      return turns.take(name, () => clone(name, options), options.signal)
    },
    forget(options) {
      const name = nameOf(options)
      return turns.take(name, () => remove(join(folder, name)))
    },
    async list() {
      const mirrors = []
      for (const name of await readdir(folder)) {
        const used = await stat(join(folder, name, 'HEAD')).catch(() => undefined)
        mirrors.push({ name, bytes: await bytesOf(join(folder, name)), usedAt: used?.mtimeMs ?? 0 })
      }
      return mirrors
    },
    drop: (name) => turns.take(name.replace(newMark, ''), () => remove(join(folder, name))),
  }
}

type Git = Parameters<typeof runGit>[1]

const newMark = '.new'

function nameOf({ account, repository }: Pick<MirrorOptions, 'account' | 'repository'>): string {
  return createHash('sha256')
    .update(`${account}\n${shownRepository(repository)}`)
    .digest('hex')
}

function tipName(branch: string): string {
  return `refs/preamp/${createHash('sha256').update(branch).digest('hex')}`
}

async function makeBare(mirror: string, git: Git): Promise<void> {
  if (await stat(join(mirror, 'HEAD')).catch(() => undefined)) return
  await remove(mirror)
  const unfinished = `${mirror}${newMark}`
  await remove(unfinished)
  await runGit(['init', '--quiet', '--bare', '--', unfinished], git)
  await rename(unfinished, mirror)
}

/** Each fetch leaves a pack, and every clone copies all: the small ones are joined when they are many. */
async function joinPacks(mirror: string, git: Git): Promise<void> {
  const packs = (await listPacks(mirror)).filter((file) => file.endsWith('.pack'))
  if (packs.length <= limits.mirrorPacksMax) return
  await runGit([`--git-dir=${mirror}`, 'repack', '--quiet', '--geometric=2', '-d'], git)
}

/** The branch, and the tags in its history: what a clone of the one branch has. */
async function readRefs(mirror: string, tip: string, git: Git): Promise<ClonedRefs> {
  const format = '--format=%(objectname) %(refname)'
  // The newest tags first, as output that is too long is cut.
  const args = ['for-each-ref', `--merged=${tip}`, '--sort=-creatordate', format, tip, 'refs/tags']
  const output = await runGit([`--git-dir=${mirror}`, ...args], git)
  const refs: ClonedRefs = { tip: '', tags: [] }
  for (const line of output.toString('utf8').split('\n').slice(0, -1)) {
    const [, id, name] = /^([0-9a-f]+) (.+)$/.exec(line) ?? []
    if (id === undefined || name === undefined) continue
    if (name === tip) refs.tip = id
    else refs.tags.push({ name, id })
  }
  if (refs.tip === '') throw new Error(`The mirror ${mirror} does not have the branch that was fetched`)
  return refs
}

/** Copies, as a build could write through a hard link, or share it by an alternate only if it saw the mirror. */
async function copyPacks(mirror: string, gitFolder: string, signal: AbortSignal): Promise<void> {
  const to = join(gitFolder, packFolder)
  await mkdir(to, { recursive: true })
  for (const file of await listPacks(mirror)) {
    signal.throwIfAborted()
    await copyFile(join(mirror, packFolder, file), join(to, file), constants.COPYFILE_FICLONE)
  }
}

const packFolder = 'objects/pack'

/** Without what a fetch that was killed left. */
async function listPacks(mirror: string): Promise<string[]> {
  const files = await readdir(join(mirror, packFolder))
  return files.filter((file) => /^pack-[0-9a-f]+\.(pack|idx|rev)$/.test(file))
}

async function bytesOf(mirror: string): Promise<number> {
  let bytes = 0
  const files = await readdir(join(mirror, packFolder)).catch(() => [])
  for (const file of files) {
    const status = await stat(join(mirror, packFolder, file)).catch(() => undefined)
    bytes += status?.size ?? 0
  }
  return bytes
}

function remove(mirror: string): Promise<void> {
  return rm(mirror, { recursive: true, force: true })
}
