import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'

import { isWithin } from '../../model/paths.ts'
import type { BuildUser, JobFolder } from './job-folder.ts'

/** Where commands see their job's folder: the same place in every build, so that caches with absolute paths stay good. */
export const workPlace = '/build'

/** What of the machine the builds see, apart from their own folder. Fixed when the server starts. */
export interface SandboxView {
  /** Folders of programs outside of the system's. */
  toolFolders: string[]
  /** Single files, as the certificates that the server's environment names. */
  files: string[]
  /** The data directory and what else must not be seen, should it lie in a folder that is. */
  hidden: string[]
  /** Whether this bwrap (0.8 and newer) can forbid further user namespaces inside. */
  canDisableUserNamespaces: boolean
}

export interface SandboxSettings {
  /** User and group that the commands are, as they see it. */
  self: BuildUser
  /** Descriptors that give what differs between jobs. */
  descriptors: {
    /** Text of the sandbox's file of users. */
    passwd: number
    /** Text of the sandbox's `/etc/resolv.conf`, which is the host's without it. */
    resolver?: number
    /** The filter of system calls, where there is one. */
    seccomp?: number
  }
  /** Whether the commands have the network in which bwrap is started, or none. */
  network: boolean
  /** Shown at their own paths, for this session alone. */
  readableFolders: readonly string[]
}

/** Arguments of bwrap, without the command. */
export interface SandboxArguments {
  /**
   * For a bwrap that a root server starts around the other: it puts what is to be bound where the build's user can reach
   * it, since the data directory, and perhaps `/root` above it, is closed to that user.
   */
  stage?: string[]
  sandbox: string[]
}

const systemFolders = ['/usr', '/opt']
/** Part of `/usr` on most systems today, and then links. */
const mergedFolders = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** Names, certificates without private keys, linker, time zone, fonts. */
const systemFiles = [
  'alternatives',
  'ca-certificates',
  'crypto-policies',
  'fonts',
  'gai.conf',
  'group',
  'host.conf',
  'hosts',
  'java',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'pki/ca-trust',
  'pki/tls/certs',
  'protocols',
  'services',
  'ssl/cert.pem',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
].map((name) => `/etc/${name}`)

const resolverFile = '/etc/resolv.conf'

/** Where the stage binds things. Its contents are nothing that a build may see, so it can be covered. */
const stagePlace = '/mnt'

/**
 * The sandbox of one session: the system read-only, the job's folder at {@link workPlace}, a `/tmp` of its own in it (on
 * disk, so that it does not count as memory), namespaces of its own, no capabilities, no way to new ones.
 * @param user given when the server runs as root
 */
export function sandboxArguments(
  folder: JobFolder,
  view: SandboxView,
  user: BuildUser | undefined,
  { self, descriptors, network, readableFolders }: SandboxSettings,
): SandboxArguments {
  const { passwd, resolver, seccomp } = descriptors
  const staged: string[] = []
  const reach = (path: string): string => {
    if (!user) return path
    const place = `${stagePlace}/${staged.length / 3}`
    staged.push('--bind', path, place)
    return place
  }
  const hidden = view.hidden.filter(isVisible).map((path) => coverablePath(path, user))
  const covers = hidden.map(coverOf)
  const sandbox = [
    ['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ['--uid', String(self.uid), '--gid', String(self.gid)],
    view.canDisableUserNamespaces ? ['--disable-userns'] : [],
    network ? [] : ['--unshare-net'],
    seccomp === undefined ? [] : ['--seccomp', String(seccomp)],
    ['--hostname', 'preamp-build'],
    programFolders(),
    ...systemFiles.filter((path) => existsSync(path)).map((path) => ['--ro-bind', realpathSync(path), path]),
    resolver === undefined ? hostResolver() : ['--ro-bind-data', String(resolver), resolverFile],
    ['--ro-bind-data', String(passwd), '/etc/passwd'],
    ['--proc', '/proc', '--dev', '/dev', '--dir', '/run', '--symlink', '/tmp', '/var/tmp'],
    ...covers.map(({ cover }) => cover),
    ...view.toolFolders.map((path) => ['--ro-bind', reach(path), path]),
    ...view.files.filter((path) => !isVisible(path)).map((path) => ['--ro-bind', reach(path), path]),
    ['--bind', reach(folder.work), workPlace, '--bind', reach(folder.temporary), '/tmp'],
    // After `/tmp`, in which a data directory may lie.
    ...readableFolders.map((path) => ['--ro-bind', reach(path), path]),
    ...covers.map(({ close }) => close),
    ['--remount-ro', '/', '--chdir', workPlace],
  ].flat()
  if (!user) return { sandbox }
  const root = ['--die-with-parent', '--dev-bind', '/', '/', '--tmpfs', stagePlace]
  const capabilities = ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']
  return { stage: [...root, ...staged, ...capabilities], sandbox }
}

/** Arguments of bwrap for the system's programs, read-only. */
export function programFolders(): string[] {
  const system = systemFolders.filter((path) => existsSync(path)).map(readOnly)
  return [...system, ...mergedFolders.map(mergedFolder)].flat()
}

/** Arguments of bwrap for the names that the host finds, and how. */
export function hostResolver(): string[] {
  return existsSync(resolverFile) ? ['--ro-bind', realpathSync(resolverFile), resolverFile] : []
}

/** Text of the sandbox's `/etc/passwd`: Git, npm and ssh ask it who they are. */
export function passwdText(user: BuildUser, name: string, home: string): string {
  return `root:x:0:0:root:/root:/usr/sbin/nologin\n${name}:x:${user.uid}:${user.gid}:Preamp build:${home}:/bin/bash\n`
}

function readOnly(path: string): string[] {
  return ['--ro-bind', path, path]
}

function mergedFolder(path: string): string[] {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (!status) return []
  return status.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : readOnly(path)
}

function isVisible(path: string): boolean {
  return systemFolders.some((folder) => isWithin(path, folder)) && existsSync(path)
}

/** The path itself, or the folder above it that the build's user cannot enter: bwrap, which runs as that user, can cover that. */
function coverablePath(path: string, user: BuildUser | undefined): string {
  const closed = user && pathsAbove(path).find((folder) => (statSync(folder).mode & 0o001) === 0)
  return closed ?? path
}

/** `/opt/a/b` → `/opt`, `/opt/a`. */
function pathsAbove(path: string): string[] {
  const names = path.split('/').slice(1, -1)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
}

/** An empty folder in which folders may be shown until it is closed, or an empty file. */
function coverOf(path: string): { cover: string[]; close: string[] } {
  return lstatSync(path).isDirectory()
    ? { cover: ['--tmpfs', path], close: ['--remount-ro', path] }
    : { cover: ['--ro-bind', '/dev/null', path], close: [] }
}
