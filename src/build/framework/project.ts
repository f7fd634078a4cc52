import { lstat } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'

import { hasCode } from '../../model/error-code.ts'
import { customerError } from '../build-failed.ts'
import { readOwnFileIfPlain } from '../own-file.ts'
import { configFiles, lockFiles, workspaceFiles } from './known-files.ts'

/** What is known of one folder of a checkout: a few files by name, so that its size does not matter. */
export interface Folder {
  packageJson: PackageJson | undefined
  /** Of the known names, those that are plain files here. */
  files: ReadonlySet<string>
  /** The text of the configuration files. */
  texts: ReadonlyMap<string, string>
}

export interface PackageJson {
  name: string
  packageManager: string
  workspaces: boolean
  scripts: ReadonlyMap<string, string>
  /** With those for development; the version is as it is written. */
  dependencies: ReadonlyMap<string, string>
}

/** What detection looks at: the folder of the app and, where that is another one, the root of the repository. */
export interface Project {
  /** Folder of the app below the root; empty for the root itself. */
  appRoot: string
  app: Folder
  root: Folder
}

/**
 * Reads what detection needs to know of a checkout in which no command has run yet. The files are the tenant's: links and
 * what is too long to be read count as absent.
 * @param appRoot AMPLIFY_MONOREPO_APP_ROOT, or empty
 * @throws {BuildFailed} when there is no such folder
 */
export async function readProject(folder: string, appRoot: string): Promise<Project> {
  const parts = appRoot.split('/').filter((part) => part !== '' && part !== '.')
  await requireFolder(folder, parts)
  const root = await readFolder(folder)
  const app = parts.length === 0 ? root : await readFolder(join(folder, ...parts))
  return { appRoot: parts.join('/'), app, root }
}

/** Every part must be a folder and no link, as a link could lead to the files of the server. */
async function requireFolder(folder: string, parts: string[]): Promise<void> {
  let path = folder
  for (const part of parts) {
    path = join(path, part)
    const status = part === '..' ? undefined : await statusOf(path)
    if (status?.isDirectory()) continue
    throw customerError(
      `AMPLIFY_MONOREPO_APP_ROOT is ${JSON.stringify(parts.join('/'))}, and the repository has no such folder`,
    )
  }
}

async function readFolder(folder: string): Promise<Folder> {
  const files = new Set<string>()
  const texts = new Map<string, string>()
  for (const name of [...lockFiles, ...workspaceFiles, ...configFiles]) {
    if ((await statusOf(join(folder, name)))?.isFile()) files.add(name)
  }
  for (const name of configFiles) {
    const text = files.has(name) ? await readOwnFileIfPlain(folder, name) : undefined
    if (text !== undefined) texts.set(name, text)
  }
  const packageText = await readOwnFileIfPlain(folder, 'package.json')
  return { packageJson: parsePackage(packageText), files, texts }
}

async function statusOf(path: string) {
  try {
    return await lstat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined
    throw error
  }
}

const textMap = z
  .record(z.string(), z.unknown())
  .catch({})
  .transform((given) => {
    const entries = Object.entries(given).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    )
    return new Map(entries)
  })

/** Members of another kind than npm wants count as absent. */
const packageShape = z.object({
  name: z.string().catch(''),
  packageManager: z.string().catch(''),
  workspaces: z
    .unknown()
    .optional()
    .transform((given) => given !== undefined && given !== null),
  scripts: textMap,
  dependencies: textMap,
  devDependencies: textMap,
})

/** The members of a package.json that detection looks at; undefined where it is none. */
export function parsePackage(text: string | undefined): PackageJson | undefined {
  if (text === undefined) return undefined
  try {
    const parsed = packageShape.safeParse(JSON.parse(text.replace(/^\uFEFF/, '')))
    if (!parsed.success) return undefined
    const { dependencies, devDependencies, ...others } = parsed.data
    return { ...others, dependencies: new Map([...devDependencies, ...dependencies]) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
