import type { Logger } from 'pino'
import semver from 'semver'

import { TookTooLong, untilAborted } from '../../deploy/until-aborted.ts'
import { limits } from '../../model/limits.ts'
import type { BuildLog } from '../build-log.ts'
import type { BuildPhase } from '../build-spec.ts'
import { readLiveUpdates } from './live-updates.ts'
import { nodeRange } from './node-range.ts'
import { wishForNode } from './node-wish.ts'
import { RegistryFailed } from './registry.ts'
import { beginCommand, type NodeInUse, writeShellScripts } from './shell-scripts.ts'
import { isToolName, type Tool, type ToolCache, type ToolWish } from './tool-cache.ts'
import { openToolChannel, type ToolReply, type ToolRequest } from './tool-channel.ts'

export interface ToolchainsOptions {
  cache: ToolCache
  /** Version of the Node that the commands of the executor find by themselves, where that is known. */
  hostNode: string | undefined
  /** Whether commands have the programs of an image: whoever chose it has chosen its Node, too. */
  inImage: boolean
  /** Range of Node where nothing else names one, or `host`. */
  defaultNode: string
  log: Logger
}

/** The tools of one build. */
export interface Toolchain {
  /** Folders that its commands must be able to read. */
  readableFolders: string[]
  /** A command with which each session begins. */
  preparation: string
  /** What `_LIVE_UPDATES` installs before everything else. */
  updates: BuildPhase
  /** Gives back the tools; to be called when no process of the build is left. */
  close(): Promise<void>
}

export interface ToolchainTask {
  /** A folder that does not exist yet, beside that of the build: for its scripts, and what it asks for. */
  ownFolder: string
  /** Variables of app and branch. */
  variables: Record<string, string>
  commands: string[]
  /** Of the checkout, innermost first: where a version of Node may be named. */
  folders: string[]
  signal: AbortSignal
  log: BuildLog
}

export interface Toolchains {
  /** @throws {import('../build-failed.ts').BuildFailed} where `_LIVE_UPDATES` cannot be read */
  open(task: ToolchainTask): Promise<Toolchain>
}

/** What a Node is when nothing can be said: Amplify's default (contract/hosting-behaviour.md §1.8). */
const amplifyNode = '22'

export function createToolchains(options: ToolchainsOptions): Toolchains {
  return {
    async open(task) {
      const tools = holdTools(options.cache)
      try {
        return await openToolchain(options, task, tools)
      } catch (error) {
        tools.release()
        throw error
      }
    },
  }
}

async function openToolchain(
  { cache, hostNode, inImage, defaultNode, log: serverLog }: ToolchainsOptions,
  { ownFolder: folder, variables, commands, folders, signal, log }: ToolchainTask,
  tools: HeldTools,
): Promise<Toolchain> {
  const updates = readLiveUpdates(variables['_LIVE_UPDATES'])
  for (const warning of updates.warnings) log.write('WARNING', warning)
  const fallback = defaultNode === 'host' ? (hostNode ?? amplifyNode) : defaultNode
  const wish = await wishForNode({ update: updates.node, commands, folders, default: fallback, log })

  async function startingNode(): Promise<NodeInUse> {
    const ofMachine = { bin: '', version: hostNode }
    if (wish.isDefault && inImage) {
      log.write('INFO', '# The Node of the image is used, as nothing names a version.')
      return ofMachine
    }
    if (hostNode !== undefined && semver.satisfies(hostNode, wish.range)) {
      log.write('INFO', `# Node ${hostNode} of this machine is used (${wish.from}).`)
      return ofMachine
    }
    try {
      const taking = tools.take({ tool: 'node', ...wish })
      const tool = await untilAborted(taking, { signal, secondsMax: limits.toolSecondsMax })
      const origin = tool.wasDownloaded ? 'downloaded from the npm registry' : 'from the tool cache'
      log.write('INFO', `# Node ${tool.version} is used, ${origin} (${wish.from}).`)
      return tool
    } catch (error) {
      const reason = reasonOf(error)
      const instead = hostNode === undefined ? 'whatever Node there is' : `Node ${hostNode} of this machine`
      log.write(
        'WARNING',
        `# Node ${wish.range} (${wish.from}) is not to be had: ${reason}. The build begins with ${instead}.`,
      )
      return ofMachine
    }
  }

  async function answer({ tool, range, nodeVersion }: ToolRequest): Promise<ToolReply> {
    const wished = tool === 'node' ? nodeRange(range) : semver.validRange(range)
    if (!isToolName(tool) || !wished) return { problem: `${tool} ${range} is no version of a known tool` }
    if (tool === 'node' && hostNode !== undefined && semver.satisfies(hostNode, wished)) {
      return { bin: '', version: hostNode }
    }
    try {
      const runtime = nodeVersion && semver.valid(nodeVersion) ? { nodeVersion } : {}
      const taking = tools.take({ tool, range: wished, ...runtime })
      const { bin, version, wasDownloaded } = await untilAborted(taking, {
        signal,
        secondsMax: limits.toolSecondsMax,
      })
      if (wasDownloaded) log.write('INFO', `# ${tool} ${version} was downloaded from the npm registry.`)
      return { bin, version }
    } catch (error) {
      return { problem: reasonOf(error) }
    }
  }

  const node = await startingNode()
  await writeShellScripts(folder)
  const channel = await openToolChannel(folder, answer, (error) => {
    if (!signal.aborted)
      serverLog.error({ err: error }, 'a tool that a build asked for could not be made ready')
  })
  const registry = cache.registryAddress
  const defaults = {
    COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
    ...(registry && { COREPACK_NPM_REGISTRY: registry }),
  }
  return {
    readableFolders: [folder, cache.folder],
    preparation: beginCommand({ folder, tools: cache.folder, node, variables: defaults }),
    updates: { name: 'liveUpdates', commands: updates.commands },
    async close() {
      await channel.close()
      tools.release()
    },
  }
}

/** @throws what is neither the registry's failure nor its slowness */
function reasonOf(error: unknown): string {
  if (error instanceof RegistryFailed) return error.message
  if (error instanceof TookTooLong) return `The npm registry took more than ${limits.toolSecondsMax} seconds`
  throw error
}

interface HeldTools {
  take(wish: ToolWish): Promise<Tool>
  /** All of them, those too that are still on their way. */
  release(): void
}

function holdTools(cache: ToolCache): HeldTools {
  const held: Tool[] = []
  let released = false
  return {
    async take(wish) {
      const tool = await cache.get(wish)
      if (released) tool.release()
      else held.push(tool)
      return tool
    },
    release() {
      released = true
      for (const tool of held.splice(0)) tool.release()
    },
  }
}
