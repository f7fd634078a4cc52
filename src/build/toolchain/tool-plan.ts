import { readFileSync } from 'node:fs'

import semver from 'semver'

import { hasCode } from '../../model/error-code.ts'
import { type Registry, RegistryFailed, type RegistryPackage } from './registry.ts'

export const toolNames = ['node', 'corepack', 'yarn', 'pnpm', 'bun'] as const
export type ToolName = (typeof toolNames)[number]

/** What a tool is made of. */
export interface ToolPlan {
  parts: { found: RegistryPackage; folder: string }[]
  /** Links in `bin`, with what they lead to from there. */
  links: Record<string, string>
}

/** `x64`, `arm64`: as the packages of binaries are named. */
const machine = process.arch

/** The package whose versions are those of the tool. */
export function packageOf(tool: ToolName, range: string): string {
  if (tool === 'node') return `node-linux-${machine}`
  if (tool === 'bun') return bunPackage()
  // Yarn 2 and later is another package than the first one.
  if (tool === 'yarn' && !semver.intersects(range, '1')) return '@yarnpkg/cli-dist'
  return tool
}

export async function planTool(
  tool: ToolName,
  found: RegistryPackage,
  registry: Registry,
): Promise<ToolPlan> {
  if (tool === 'node') return planNode(found, registry)
  if (tool === 'bun') return planSingle(found, { bun: 'bin/bun', bunx: 'bin/bun' })
  const native = `@pnpm/exe.linux-${machine}`
  if (tool === 'pnpm' && found.optionalDependencies[native] !== undefined) {
    // From version 12 on pnpm is a binary, which tells by its name what it is asked for.
    const binary = await versionOf(registry, native, found.optionalDependencies[native])
    return planSingle(binary, { pnpm: 'pnpm', pnpx: 'pnpm' })
  }
  return planSingle(found, found.programs)
}

function planSingle(found: RegistryPackage, programs: Record<string, string>): ToolPlan {
  const links = Object.entries(programs).map(([name, path]) => [
    name,
    `../package/${path.replace(/^\.\//, '')}`,
  ])
  return { parts: [{ found, folder: 'package' }], links: Object.fromEntries(links) }
}

/** The registry's package holds the program and its headers; npm is put where Node's own distribution has it. */
async function planNode(found: RegistryPackage, registry: Registry): Promise<ToolPlan> {
  const fits = ({ version, nodeRange }: RegistryPackage) =>
    semver.major(version) <= npmMajorMax(semver.major(found.version)) &&
    semver.satisfies(found.version, nodeRange)
  const npm = newest((await registry.versionsOf('npm')).filter(fits))
  if (!npm) throw new RegistryFailed(`The npm registry has no npm for Node ${found.version}`)
  return {
    parts: [
      { found, folder: '.' },
      { found: npm, folder: 'lib/node_modules/npm' },
    ],
    links: {
      npm: '../lib/node_modules/npm/bin/npm-cli.js',
      npx: '../lib/node_modules/npm/bin/npx-cli.js',
    },
  }
}

/** The npm that Node's own distribution of a major version comes with; the newest that fits where that is not known here. */
function npmMajorMax(nodeMajor: number): number {
  if (nodeMajor < 15) return 6
  if (nodeMajor < 18) return 8
  if (nodeMajor < 24) return 10
  return nodeMajor < 26 ? 11 : Infinity
}

export function newest(versions: RegistryPackage[]): RegistryPackage | undefined {
  return versions
    .filter(({ version }) => semver.prerelease(version) === null)
    .reduce<RegistryPackage | undefined>(
      (best, one) => (best && semver.gte(best.version, one.version) ? best : one),
      undefined,
    )
}

async function versionOf(registry: Registry, name: string, version: string): Promise<RegistryPackage> {
  const found = (await registry.versionsOf(name)).find((one) => one.version === version)
  if (!found) throw new RegistryFailed(`The npm registry has no ${name}@${version}`)
  return found
}

/** Bun has a build of its own for processors without AVX2. */
function bunPackage(): string {
  if (machine !== 'x64') return '@oven/bun-linux-aarch64'
  return hasAvx2() ? '@oven/bun-linux-x64' : '@oven/bun-linux-x64-baseline'
}

function hasAvx2(): boolean {
  try {
    return / avx2 /.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return false
    throw error
  }
}
