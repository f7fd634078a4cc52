import { z } from 'zod'

import { limits } from '../../model/limits.ts'
import { quoteForShell } from '../../model/shell-quote.ts'
import { customerError } from '../build-failed.ts'
import { nodeRange } from './node-range.ts'

/** What `_LIVE_UPDATES` asks for (contract/hosting-behaviour.md §1.4). */
export interface LiveUpdates {
  /** Range of Node. */
  node: string | undefined
  /** Commands that bring packages of npm. */
  commands: string[]
  /** Lines for the log about what is not updated. */
  warnings: string[]
}

const shape = z
  .array(
    z.object({
      pkg: z.string({ error: 'must be text' }).min(1),
      type: z.string({ error: 'must be text' }),
      version: z.string({ error: 'must be text' }).default('latest'),
    }),
    { error: 'must be a list' },
  )
  .max(limits.liveUpdatesMax, `has more than ${limits.liveUpdatesMax} entries`)

const packageName = /^(@[a-z0-9~-][a-z0-9._~-]{0,100}\/)?[a-z0-9~-][a-z0-9._~-]{0,200}$/i
const versionText = /^[\w.^~*+-]{1,64}$/

/** @throws {import('../build-failed.ts').BuildFailed} for what is no list of updates, with the entry that does not fit */
export function readLiveUpdates(text: string | undefined): LiveUpdates {
  const updates: LiveUpdates = { node: undefined, commands: [], warnings: [] }
  if (text === undefined || text.trim() === '') return updates
  for (const { pkg, type, version } of parse(text)) {
    if (pkg === 'node' && (type === 'nvm' || type === 'internal')) {
      updates.node = nodeRange(version)
      if (updates.node === undefined) throw customerError(`_LIVE_UPDATES: ${version} is no version of Node`)
    } else if (type === 'npm') {
      if (!packageName.test(pkg) || !versionText.test(version)) {
        throw customerError(`_LIVE_UPDATES: ${JSON.stringify(`${pkg}@${version}`)} is no package of npm`)
      }
      updates.commands.push(`npm install -g ${quoteForShell(`${pkg}@${version}`)}`)
    } else if (type === 'hugo') {
      // The packages of npm that are named after hugo fetch its program from elsewhere when they are installed.
      updates.warnings.push(
        `# _LIVE_UPDATES: hugo ${version} is not to be had from the npm registry: commands find the one of this machine, if it has any.`,
      )
    } else {
      const entry = JSON.stringify({ pkg, type, version }).slice(0, 200)
      updates.warnings.push(`# _LIVE_UPDATES: ${entry} is left out: Node and packages of npm can be updated.`)
    }
  }
  return updates
}

function parse(text: string): z.output<typeof shape> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw customerError(`_LIVE_UPDATES is no JSON: ${error.message}`)
  }
  const result = shape.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw customerError(`_LIVE_UPDATES${path.map((part) => `[${String(part)}]`).join('')} ${message}`)
}
