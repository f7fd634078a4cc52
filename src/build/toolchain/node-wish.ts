import { z } from 'zod'

import type { BuildLog } from '../build-log.ts'
import { readOwnFileIfPlain } from '../own-file.ts'
import { nodeRange } from './node-range.ts'

export interface NodeWish {
  range: string
  /** Where several versions fit, one of these. */
  preferred?: string
  /** For the log. */
  from: string
  /** Nothing named a version. */
  isDefault?: true
}

/** What could name the version of Node of a build. */
export interface NodeSources {
  /** By `_LIVE_UPDATES`. */
  update: string | undefined
  /** Of the build spec, in their order. */
  commands: string[]
  /** Of the checkout: where the build starts, and above it the root. No command has run in them yet. */
  folders: string[]
  default: string
  log: BuildLog
}

/** The first of: `_LIVE_UPDATES`, `nvm` in the commands, `.nvmrc`, `.node-version`, `engines` of package.json, the default. */
export async function wishForNode(sources: NodeSources): Promise<NodeWish> {
  if (sources.update !== undefined) return { range: sources.update, from: '_LIVE_UPDATES' }
  const command = firstOf(sources.commands, nvmWish)
  if (command) return command
  for (const folder of sources.folders) {
    for (const name of ['.nvmrc', '.node-version']) {
      const text = await readOwnFileIfPlain(folder, name)
      if (text === undefined) continue
      const line = versionLine(text)
      const range = nodeRange(line)
      if (range !== undefined) return { range, from: name }
      sources.log.write('WARNING', `# ${name} names no version of Node: ${JSON.stringify(line.slice(0, 80))}`)
    }
    const engines = enginesOf(await readOwnFileIfPlain(folder, 'package.json'))
    const range = engines === undefined ? undefined : nodeRange(engines)
    if (range !== undefined)
      return { range, preferred: sources.default, from: `engines of package.json: ${engines}` }
  }
  return { range: sources.default, from: 'the default', isDefault: true }
}

/** Of a file as nvm reads it: comments and empty lines mean nothing. */
export function versionLine(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim())
  return lines.find((line) => line !== '') ?? ''
}

/** A version that a variable or the shell makes is known only when the command runs. */
function nvmWish(command: string): NodeWish | undefined {
  const [, word, version] =
    /(?:^|[\s;&|(])nvm\s+(install|use)\s+(?:--\S+\s+)*?["']?((?:--)?[a-z0-9][\w.*/-]*|--lts)["']?(?=$|[\s;&|)])/i.exec(
      command,
    ) ?? []
  const range = version === undefined ? undefined : nodeRange(version)
  return range === undefined ? undefined : { range, from: `the build spec: nvm ${word} ${version}` }
}

const packageShape = z.object({ engines: z.object({ node: z.string() }) })

function enginesOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    const result = packageShape.safeParse(JSON.parse(text))
    return result.success ? result.data.engines.node : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function firstOf<Item, Result>(items: Item[], find: (item: Item) => Result | undefined): Result | undefined {
  for (const item of items) {
    const result = find(item)
    if (result !== undefined) return result
  }
  return undefined
}
