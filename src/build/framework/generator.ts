import type { Folder, PackageJson } from './project.ts'
import { flagOf, literalOf, plainFolder, withoutComments } from './source-text.ts'

/** What a generator makes of a project. */
export interface Output {
  /** As `framework` of a branch names it. */
  framework: string
  /** Folder of the site, relative to that of the app. */
  baseDirectory: string
  /** Kept for the next build, besides what the package manager keeps. */
  cachePaths?: string[]
  /** Where the site needs a server: what says so, and what makes it one of files alone. */
  serverSide?: { reason: string; advice: string }
  reasons: string[]
}

/** What rules look at. */
export interface Sources {
  packageJson: PackageJson | undefined
  folder: Folder
  /** The script `build` of package.json; empty without one. */
  script: string
  /** How many folders above the app's the output may lie: Nx has it at the root of the workspace. */
  foldersAbove: number
}

/** A site generator, and how it is known. */
export interface Generator {
  /** The npm package that it is. */
  package: string
  /** What builds with it, in a script or after `npx`. */
  command: string
  configFiles: readonly string[]
  /** Undefined where the package is there for something else. */
  output(sources: Sources): Output | undefined
}

export interface FolderRule {
  standard: string
  flags?: readonly string[]
  member?: string
  configFiles?: readonly string[]
}

/** The first configuration file that is there, without its comments. */
export function readConfig(
  { folder }: Sources,
  names: readonly string[],
): { name: string; text: string } | undefined {
  const name = names.find((one) => folder.texts.has(one))
  return name === undefined ? undefined : { name, text: withoutComments(folder.texts.get(name)!) }
}

/** The output folder: by a flag of the build script, a member of the configuration, or as the generator has it. */
export function outputFolder(
  sources: Sources,
  rule: FolderRule,
): { baseDirectory: string; reasons: string[] } {
  const flagged = plainFolder(flagOf(sources.script, rule.flags ?? []) ?? '', sources.foldersAbove)
  if (flagged) return { baseDirectory: flagged, reasons: [`the build script writes to ${flagged}`] }
  const config = readConfig(sources, rule.configFiles ?? [])
  const written = config && rule.member && literalOf(config.text, rule.member)
  const configured = written && plainFolder(written, sources.foldersAbove)
  if (configured) {
    return { baseDirectory: configured, reasons: [`${config.name} has ${rule.member}: ${configured}`] }
  }
  return { baseDirectory: rule.standard, reasons: [] }
}
