import { existsSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

import { hasCode } from '../../model/error-code.ts'
import { isWithin } from '../../model/paths.ts'

/** Programs that builds find on their PATH. */
export interface Tools {
  /** PATH of the builds. */
  path: string
  /** Folders outside of the system's that must be visible for it: an installation of Node, folders of single programs. */
  folders: string[]
}

const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/opt']
const standardPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/**
 * Finds what a build can run of what is on the server's PATH: its folders, without those of npm packages (a server that
 * `npm start` started has Preamp's own there), and the installation that `node` really belongs to, also behind the shims
 * of version managers. A home folder, or one that holds the data directory, is never among them.
 * @param dataDirectory absolute path
 */
export async function findTools(
  environment: Record<string, string | undefined>,
  dataDirectory: string,
): Promise<Tools> {
  const given = (environment['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))
  const usable = given.filter((folder) => !folder.includes('/node_modules/') && isFolder(folder))
  const node = await nodeInstallation(environment)
  const path = [...(node ? [join(node, 'bin')] : []), ...usable, ...standardPath.filter(isFolder)]
  const outside = [...(node ? [node] : []), ...usable]
    .map((folder) => realpathSync(folder))
    .filter((folder) => !isSystem(folder))
  const folders = outside.filter((folder) => mayBeShown(folder, dataDirectory))
  const shown = (folder: string): boolean => {
    const real = realpathSync(folder)
    return isSystem(real) || folders.some((top) => isWithin(real, top))
  }
  return { path: unique(path.filter(shown)).join(':'), folders: withoutNested(unique(folders)) }
}

function isSystem(folder: string): boolean {
  return systemFolders.some((top) => isWithin(folder, top))
}

function mayBeShown(folder: string, dataDirectory: string): boolean {
  const isHome = folder === resolve(homedir()) || /^\/(home|Users)\/[^/]+$/.test(folder) || folder === '/root'
  return (
    !isHome &&
    dirname(folder) !== '/' &&
    folder !== '/' &&
    !isWithin(dataDirectory, folder) &&
    !isWithin(folder, dataDirectory)
  )
}

/** The folder above the `bin` of the Node that runs; undefined where there is none, or it is not laid out as usual. */
async function nodeInstallation(
  environment: Record<string, string | undefined>,
): Promise<string | undefined> {
  const program = Bun.which('node', { PATH: environment['PATH'] ?? '' })
  if (program === null) return undefined
  const child = Bun.spawn([program, '-p', 'process.execPath'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 10_000,
  })
  const path = (await child.stdout.text()).trim()
  if ((await child.exited) !== 0 || !path.startsWith('/') || basename(dirname(path)) !== 'bin')
    return undefined
  const folder = dirname(dirname(path))
  return existsSync(join(folder, 'lib', 'node_modules')) ? folder : undefined
}

/** A folder that this server cannot enter is none to it: `sudo -u` keeps the PATH of another user. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) return false
    throw error
  }
}

function unique(items: string[]): string[] {
  return [...new Set(items)]
}

function withoutNested(folders: string[]): string[] {
  return folders.filter((folder) => !folders.some((other) => other !== folder && isWithin(folder, other)))
}
