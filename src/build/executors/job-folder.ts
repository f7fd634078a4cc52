import { chmodSync, lchownSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

import type { SessionOptions } from '../executor.ts'

export interface BuildUser {
  uid: number
  gid: number
}

/** Folders of a job on the host. */
export interface JobFolder {
  work: string
  /** Kept from one session of the job to the next. */
  home: string
  /** New for each session. */
  temporary: string
}

export const homeName = '.preamp-home'

/**
 * Makes a job's folder ready for its next session. Before the first one, all that is in it is handed to the build's user;
 * never again afterwards, when the job's own commands may have put links to other files there.
 */
export async function prepareJobFolder(
  { workFolder: work, onFolderReady }: Pick<SessionOptions, 'workFolder' | 'onFolderReady'>,
  user: BuildUser | undefined,
): Promise<JobFolder> {
  chmodSync(work, 0o700)
  if (user && lstatSync(work).uid !== user.uid) {
    const owner = `${user.uid}:${user.gid}`
    const chown = Bun.spawn(['chown', '-R', '-P', '-h', owner, '--', work], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    if ((await chown.exited) !== 0) throw new Error(`chown of ${work} failed: ${await chown.stderr.text()}`)
  }
  await onFolderReady?.()
  const home = join(work, homeName)
  // What a former session made of it, a link perhaps, is followed by the commands alone, never here.
  if (!lstatSync(home, { throwIfNoEntry: false })) makeOwned(home, user)
  const temporary = mkdtempSync(join(work, '.preamp-tmp-'))
  if (user) lchownSync(temporary, user.uid, user.gid)
  return { work, home, temporary }
}

/**
 * Path of the start folder below the work folder, '' for the work folder itself.
 * @throws when it lies elsewhere
 */
export function pathInside(work: string, startFolder: string): string {
  const path = relative(work, resolve(work, startFolder))
  if (path === '..' || path.startsWith('../')) {
    throw new Error(`The start folder ${startFolder} is not below the work folder ${work}`)
  }
  return path
}

function makeOwned(folder: string, user: BuildUser | undefined): void {
  mkdirSync(folder, { mode: 0o700 })
  if (user) lchownSync(folder, user.uid, user.gid)
}
