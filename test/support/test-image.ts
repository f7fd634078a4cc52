import { copyFileSync, cpSync, existsSync, mkdirSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What a build needs at least, by the Debian packages that bring it. */
export const smallImage = ['bash', 'coreutils', 'libc6']

/** What the commands of tests call besides. Node and npm come from wherever they are. */
const further = [
  'ca-certificates',
  'curl',
  'dash',
  'git',
  'grep',
  'hostname',
  'libstdc++6',
  'perl-base',
  'procps',
  'sed',
  'tar',
  'util-linux',
]

const emptyFolders = [
  'proc',
  'sys',
  'dev',
  'tmp',
  'root',
  'run',
  'home',
  'etc',
  'var/tmp',
  'var/lib',
  'build',
]
const mergedFolders = ['bin', 'sbin', 'lib', 'lib64']

/** Lays out a system for builds in a folder, of what this machine has: no registry of images can be asked in a test. */
export async function layOutBuildSystem(root: string): Promise<void> {
  await layOutSystem(root, [...smallImage, ...further])
  copyNode(root)
}

/** Lays out what the packages bring. */
export async function layOutSystem(root: string, packages: string[]): Promise<void> {
  for (const path of emptyFolders) mkdirSync(join(root, path), { recursive: true })
  for (const path of mergedFolders) {
    mkdirSync(join(root, 'usr', path), { recursive: true })
    symlinkSync(readlinkSync(`/${path}`), join(root, path))
  }
  const files = await read(['dpkg-query', '--listfiles', ...(await withDependencies(packages))])
  const packed = Bun.spawn(['tar', '-C', '/', '--no-recursion', '--files-from=-', '-c'], {
    stdin: Buffer.from(
      files
        .split('\n')
        .filter(isWanted)
        .map((path) => path.slice(1))
        .join('\n'),
    ),
    stdout: 'pipe',
  })
  const unpacked = Bun.spawn(['tar', '-C', root, '-x'], { stdin: packed.stdout })
  if ((await packed.exited) + (await unpacked.exited) !== 0)
    throw new Error('The test image cannot be packed.')
}

function isWanted(path: string): boolean {
  if (
    !/^\/(usr|bin|sbin|lib|lib64|etc)\/./.test(path) ||
    /^\/usr\/share\/(doc|info|lintian|locale|man)\//.test(path)
  ) {
    return false
  }
  return existsSync(path)
}

/** The packages and all that they depend on, of what is installed. */
async function withDependencies(names: string[]): Promise<string[]> {
  const text = await read([
    'dpkg-query',
    '--show',
    '--showformat=${Package}\t${Pre-Depends}, ${Depends}\t${Provides}\n',
  ])
  const needs = new Map<string, string[]>()
  const providers = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [name = '', depends = '', provides = ''] = line.split('\t')
    needs.set(name, namesIn(depends))
    for (const provided of namesIn(provides)) providers.set(provided, name)
  }
  const found = new Set<string>()
  const add = (name: string): void => {
    const installed = needs.has(name) ? name : providers.get(name)
    if (installed === undefined || found.has(installed)) return
    found.add(installed)
    for (const needed of needs.get(installed)!) add(needed)
  }
  for (const name of names) add(name)
  return [...found]
}

/** `libc6 (>= 2.36), a | b:any` → `libc6`, `a`, `b` */
function namesIn(relations: string): string[] {
  return [...relations.matchAll(/(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)/g)].map(([, name]) => name!)
}

function copyNode(root: string): void {
  const node = realpathSync(Bun.which('node')!)
  const npm = dirname(dirname(realpathSync(Bun.which('npm')!)))
  const target = join(root, 'usr/local')
  mkdirSync(join(target, 'bin'), { recursive: true })
  copyFileSync(node, join(target, 'bin/node'))
  cpSync(npm, join(target, 'lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(target, 'bin', name))
  }
}

async function read(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdout: 'pipe' })
  const text = await child.stdout.text()
  if ((await child.exited) !== 0) throw new Error(`${command[0]} failed`)
  return text
}
