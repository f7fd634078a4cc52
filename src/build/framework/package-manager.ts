import { quoteForShell } from '../../model/shell-quote.ts'
import { lockFiles } from './known-files.ts'
import type { Folder } from './project.ts'

/** How the dependencies of a folder are installed and its scripts are run. */
export interface PackageManager {
  name: 'npm' | 'yarn' | 'pnpm' | 'bun'
  install: string[]
  cachePaths: string[]
  /** Why it is this one. */
  reason: string
}

const managerOfLock: Record<(typeof lockFiles)[number], PackageManager['name']> = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'yarn.lock': 'yarn',
  'pnpm-lock.yaml': 'pnpm',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
}

/** Decides by `packageManager` of package.json, else by lock file, else npm (contract/hosting-behaviour.md §1.8). */
export function choosePackageManager(folder: Folder): PackageManager {
  const locks = lockFiles.filter((name) => folder.files.has(name))
  const wished = /^(npm|yarn|pnpm|bun)(?:@(\d+\.\d+\.\d+[\w.-]{0,40}))?(?:\+|$)/.exec(
    folder.packageJson?.packageManager ?? '',
  )
  if (wished) {
    const [, name, version] = wished
    const manager = name as PackageManager['name']
    const reason = `package.json has the packageManager ${version ? `${name}@${version}` : name}`
    return { name: manager, ...commandsOf(manager, folder, version), reason }
  }
  const lock = locks[0]
  if (lock === undefined) {
    return {
      name: 'npm',
      ...commandsOf('npm', folder),
      reason: 'there is no lock file: dependencies come with npm',
    }
  }
  const others = locks.slice(1).filter((name) => managerOfLock[name] !== managerOfLock[lock])
  const besides = others.length > 0 ? `, which counts before ${others.join(', ')}` : ''
  const name = managerOfLock[lock]
  return { name, ...commandsOf(name, folder), reason: `the lock file is ${lock}${besides}` }
}

export function hasLockFile(folder: Folder): boolean {
  return lockFiles.some((name) => folder.files.has(name))
}

type Commands = Pick<PackageManager, 'install' | 'cachePaths'>

function commandsOf(manager: PackageManager['name'], folder: Folder, version?: string): Commands {
  return commands[manager](folder, version)
}

const commands: Record<PackageManager['name'], (folder: Folder, version?: string) => Commands> = {
  npm({ files }) {
    const locked = files.has('package-lock.json') || files.has('npm-shrinkwrap.json')
    const install = `npm ${locked ? 'ci' : 'install'} --cache .npm --prefer-offline`
    return { install: [install], cachePaths: ['.npm/**/*'] }
  },
  yarn({ files }, version) {
    // Yarn 2 and later comes with the project; the first one is there already.
    const modern = files.has('.yarnrc.yml') || (version !== undefined && !version.startsWith('1.'))
    const install = modern ? ['corepack enable', 'yarn install'] : ['yarn install']
    return { install, cachePaths: ['node_modules/**/*'] }
  },
  pnpm: (_folder, version) => ({
    install: [`npm install -g pnpm${atVersion(version)}`, 'pnpm install --store-dir .pnpm-store'],
    cachePaths: ['.pnpm-store/**/*'],
  }),
  bun: (_folder, version) => ({
    install: [`npm install -g bun${atVersion(version)}`, 'bun install'],
    cachePaths: ['node_modules/**/*'],
  }),
}

function atVersion(version: string | undefined): string {
  return version === undefined ? '' : `@${version}`
}

/** The command that runs a script of a package in a workspace, from the workspace's root. */
export function workspaceScript(manager: PackageManager['name'], script: string, appRoot: string): string {
  const folder = quoteForShell(appRoot)
  const commandLines: Record<PackageManager['name'], string> = {
    npm: `npm run ${script} --workspace=${folder}`,
    yarn: `yarn --cwd ${folder} run ${script}`,
    pnpm: `pnpm --filter ./${folder} run ${script}`,
    bun: `bun run --filter ./${folder} ${script}`,
  }
  return commandLines[manager]
}
