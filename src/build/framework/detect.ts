import { posix } from 'node:path'

import type { Platform } from '@aws-sdk/client-amplify'

import { quoteForShell } from '../../model/shell-quote.ts'
import { buildSpecText } from './build-spec-text.ts'
import type { Generator, Output, Sources } from './generator.ts'
import { generators } from './generators.ts'
import { detectHugo } from './hugo.ts'
import { choosePackageManager, hasLockFile, type PackageManager, workspaceScript } from './package-manager.ts'
import type { Folder, Project } from './project.ts'
import { literalOf } from './source-text.ts'

/** What a repository without a build spec was found to be. */
export interface Detection {
  /** As `framework` of a branch names it. */
  framework: string
  /** What Amplify makes of the app: `WEB_COMPUTE` where the site needs a server. */
  platform: Extract<Platform, 'WEB' | 'WEB_COMPUTE'>
  buildSpec: string
  /** Why, a line each. */
  reasons: string[]
  /** How to make a site of files alone of one that needs a server. */
  advice?: string
}

/** Where and how the app is built. */
interface Way {
  manager: PackageManager | undefined
  build: string
  /** Whether commands run at the root of the repository instead of in the folder of the app. */
  atRoot: boolean
}

/**
 * Decides what builds a repository without a build spec (contract/hosting-behaviour.md §1.8). A pure function of what was read.
 * @returns undefined when no generator is known by its package or configuration
 */
export function detect(project: Project): Detection | undefined {
  const atRoot = isWorkspacePackage(project)
  const sources = readSources(project, atRoot)
  const found = findGenerator(project, sources)
  if (found) {
    const way = atRoot ? wayOfWorkspace(project, found.generator) : wayOfOwn(project, found.generator)
    return describe(project, found.output, [`package.json depends on ${found.generator.package}`], way)
  }
  const hugo = detectHugo(sources)
  return hugo && describe(project, hugo, [], wayOfHugo(project))
}

/** Whether the app's dependencies are installed at the root of the repository, for all its packages together. */
function isWorkspacePackage({ appRoot, app, root }: Project): boolean {
  if (appRoot === '' || hasLockFile(app)) return false
  return hasLockFile(root) || root.files.has('pnpm-workspace.yaml') || root.packageJson?.workspaces === true
}

function readSources({ app, root, appRoot }: Project, atRoot: boolean): Sources {
  return {
    // A project of Nx needs no package.json: what it uses is in that of the root.
    packageJson: app.packageJson ?? (atRoot ? root.packageJson : undefined),
    folder: app,
    script: buildScript(app),
    foldersAbove: atRoot ? appRoot.split('/').length : 0,
  }
}

function buildScript({ packageJson }: Folder): string {
  return packageJson?.scripts.get('build') ?? ''
}

function findGenerator(
  { app }: Project,
  sources: Sources,
): { generator: Generator; output: Output } | undefined {
  const there = generators.filter(
    (generator) =>
      sources.packageJson?.dependencies.has(generator.package) &&
      (app.packageJson !== undefined || generator.configFiles.some((name) => app.files.has(name))),
  )
  // A project may test or document itself with another generator: what its build script runs comes first.
  const named = there.filter(({ command }) => runs(sources.script, command.split(' ')[0]!))
  for (const generator of [...named, ...there]) {
    const output = generator.output(sources)
    if (output) return { generator, output }
  }
  return undefined
}

function runs(script: string, program: string): boolean {
  return script.split(/[^\w.-]+/).includes(program)
}

function wayOfOwn({ app }: Project, generator: Generator): Way {
  const manager = choosePackageManager(app)
  const build = buildScript(app) ? `${manager.name} run build` : `npx ${generator.command}`
  return { manager, build, atRoot: false }
}

function wayOfHugo({ app }: Project): Way {
  const manager = app.packageJson && choosePackageManager(app)
  const scripted = manager && runs(buildScript(app), 'hugo')
  return { manager, build: scripted ? `${manager.name} run build` : 'hugo', atRoot: false }
}

/** Installed and built at the root, as Amplify's guide has it for npm, yarn and pnpm workspaces, Nx and Turborepo. */
function wayOfWorkspace({ appRoot, app, root }: Project, generator: Generator): Way {
  const manager = choosePackageManager(root)
  const name = plainName(app.packageJson?.name)
  let build = `(cd ${quoteForShell(appRoot)} && npx ${generator.command})`
  if (buildScript(app)) build = workspaceScript(manager.name, 'build', appRoot)
  if (root.files.has('turbo.json') && buildScript(app) && name) build = `npx turbo run build --filter=${name}`
  if (root.files.has('nx.json')) {
    const nxName = plainName(literalOf(app.texts.get('project.json') ?? '', 'name'))
    build = `npx nx run ${nxName ?? name ?? quoteForShell(posix.basename(appRoot))}:build`
  }
  return { manager, build, atRoot: true }
}

/** A name that needs no quotes in a command. */
function plainName(name: string | undefined): string | undefined {
  return name !== undefined && /^(@[\w.~-]+\/)?[\w.~][\w.~-]*$/.test(name) ? name : undefined
}

function describe({ appRoot }: Project, output: Output, why: string[], way: Way): Detection {
  const { manager, build, atRoot } = way
  const place = (path: string) => (atRoot ? posix.join(appRoot, path) : path)
  const reasons = [...why, ...output.reasons]
  if (output.serverSide) reasons.push(output.serverSide.reason)
  if (manager) reasons.push(manager.reason)
  if (atRoot)
    reasons.push('dependencies are installed at the root of the repository, for the whole workspace')
  return {
    framework: output.framework,
    platform: output.serverSide ? 'WEB_COMPUTE' : 'WEB',
    buildSpec: buildSpecText({
      appRoot,
      atRoot,
      install: manager?.install ?? [],
      build: [build],
      baseDirectory: place(output.baseDirectory),
      cachePaths: [...(output.cachePaths ?? []).map(place), ...(manager?.cachePaths ?? [])],
    }),
    reasons,
    ...(output.serverSide && { advice: output.serverSide.advice }),
  }
}
